// SPDX-License-Identifier: MIT
// JsonOptions: what JSON is taken in.
#pragma once

#include <cstddef>
#include <optional>

namespace grove::http {

struct JsonOptions {
  // Bytes of the text; in memory a value may take ten times that. By default a request's as its
  // route says, or 1 MiB, and an answer's 1 MiB.
  std::optional<std::size_t> limit{};
  std::size_t max_depth = 32;   // of arrays and objects within each other
  bool unknown_members = false; // whether those that a struct does not have are passed over
};

} // namespace grove::http
