// SPDX-License-Identifier: MIT
// RequestHead: what a request says before its body.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <grove/http/fields.hpp>

namespace grove::http {

// A value; any thread, one at a time.
struct RequestHead {
  std::string method;         // as it was sent: methods are case-sensitive
  std::string target;         // likewise: "/a/b?c=d", "*", "http://host/path", "host:port"
  unsigned minor_version = 1; // of HTTP/1.x: 0 or 1
  Fields fields;
  std::optional<std::uint64_t> content_length{}; // bytes; none where the body is chunked, or absent
  bool chunked = false;
  bool keep_alive = true;        // the client will send more on this connection
  bool expects_continue = false; // it waits for "100 Continue" before it sends the body
  bool wants_upgrade = false;    // it asks for another protocol, in the field Upgrade

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

} // namespace grove::http
