// SPDX-License-Identifier: MIT
// BodyPiece: what a parser found in bytes behind a head.
#pragma once

#include <cstddef>
#include <string_view>

namespace grove::http::detail {

// How much was used, and the data in it (a view into the bytes). Nothing used and no data: more is
// needed; the same bytes, and what came after them, must be given again.
struct BodyPiece {
  std::size_t used = 0;
  std::string_view data{};
};

} // namespace grove::http::detail
