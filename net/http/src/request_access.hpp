// SPDX-License-Identifier: MIT
// RequestAccess: what the library itself does with requests.
#pragma once

#include <memory>
#include <utility>

#include <grove/http/request.hpp>

namespace grove::http {

struct RequestAccess {
  // All of these outlive it.
  static Request make(RequestHead& head, detail::BodySource& body, const net::Address& peer) {
    Request request;
    request.head_ = &head;
    request.body_ = &body;
    request.peer_ = &peer;
    request.split_target();
    return request;
  }
  // The body comes through a Source from now on: Source(source so far, its owner or null, more). It
  // is as long as it turns out to be, and its Content-Encoding is gone.
  template <class Source, class... More>
  static void read_through(Request& request, More... more) {
    auto source =
        std::make_unique<Source>(*request.body_, std::move(request.own_body_), std::move(more)...);
    request.body_ = source.get();
    request.own_body_ = std::move(source);
    request.head_->content_length.reset();
    request.head_->chunked = true;
    request.head_->fields.remove("Content-Encoding");
    request.head_->fields.remove("Content-Length");
  }
  static void set_body_limit(Request& request, std::optional<std::uint64_t> bytes) {
    request.body_limit_ = bytes;
  }
  // Of the path, what is behind the prefixes of the routers that it went through.
  static std::string_view rest(const Request& request) { return request.rest_; }
  static void set_client(Request& request, const std::string& client, bool secure) {
    request.client_ = &client; // outlives it, too
    request.secure_ = secure;
  }
};

} // namespace grove::http
