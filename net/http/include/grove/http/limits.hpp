// SPDX-License-Identifier: MIT
// Limits: how much of a message is taken in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grove::http {

// In bytes. What is beyond is refused before memory is given to it.
struct Limits {
  std::size_t head = 16 * 1024;          // request line and fields together: 431
  std::size_t line = 8 * 1024;           // the request line: 414; one field: 431; all trailers: 400
  std::size_t fields = 100;              // their number: 431
  std::uint64_t body = 1024 * 1024;      // 413
  std::size_t chunk_header = 4 * 1024;   // of one chunk, with its extensions: 400
  std::size_t chunk_headers = 16 * 1024; // extensions of all chunks together: 400
};

} // namespace grove::http
