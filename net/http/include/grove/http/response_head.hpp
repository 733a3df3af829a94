// SPDX-License-Identifier: MIT
// ResponseHead: what a response says before its body.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <grove/http/fields.hpp>

namespace grove::http {

// A value; any thread, one at a time.
struct ResponseHead {
  unsigned status = 0;
  std::string reason{};
  unsigned minor_version = 1; // of HTTP/1.x: 0 or 1
  Fields fields{};
  std::optional<std::uint64_t>
      content_length{}; // bytes; none where the body is chunked, or unknown
  bool chunked = false;
  bool keep_alive = false; // the connection can be used again, once the body is read
};

} // namespace grove::http
