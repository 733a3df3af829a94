// SPDX-License-Identifier: MIT
// JsonOptions: what JSON is taken in.
#pragma once

#include <cstddef>

namespace grove::http {

struct JsonOptions {
  std::size_t limit = 1024 * 1024; // bytes of the text; in memory a value may take ten times that
  std::size_t max_depth = 32;      // of arrays and objects within each other
  bool unknown_members = false;    // whether those that a struct does not have are passed over
};

} // namespace grove::http
