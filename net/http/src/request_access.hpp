// SPDX-License-Identifier: MIT
// RequestAccess: what the library itself does with requests.
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
  // Of the path, what is behind the prefixes of the routers that it went through.
  static std::string_view rest(const Request& request) { return request.rest_; }
  static void set_client(Request& request, std::string client, bool secure) {
    request.client_ = std::move(client);
    request.secure_ = secure;
  }
};

} // namespace grove::http
