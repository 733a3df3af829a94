// SPDX-License-Identifier: MIT
// RequestAccess: how a connection makes requests.
#pragma once

#include <utility>

#include <grove/http/request.hpp>

namespace grove::http {

struct RequestAccess {
  // Of a head that outlives it.
  static Request make(RequestHead& head, detail::BodySource& body, const net::Address& peer) {
    Request request;
    request.head_ = &head;
    request.body_ = &body;
    request.peer_ = peer;
    request.split_target();
    return request;
  }
  static void set_client(Request& request, std::string client, bool secure) {
    request.client_ = std::move(client);
    request.secure_ = secure;
  }
};

} // namespace grove::http
