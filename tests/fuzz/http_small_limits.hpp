// SPDX-License-Identifier: MIT
// The limits under which the fuzz targets of requests and of answers read.
#pragma once

#include <grove/http/limits.hpp>

namespace grove::http {

// Small, so that every one of them is met.
inline Limits small_limits() {
  Limits limits;
  limits.head = 400;
  limits.line = 100;
  limits.fields = 8;
  limits.body = 300;
  limits.chunk_header = 40;
  limits.chunk_headers = 120;
  return limits;
}

} // namespace grove::http
