// SPDX-License-Identifier: MIT
// RateLimit: of many equal messages in a second, the first ten and a count.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace grove::detail {

class RateLimit {
public:
  static constexpr std::uint32_t most = 10;             // equal ones in a window
  static constexpr std::int64_t window = 1'000'000'000; // nanoseconds
  static constexpr std::size_t most_kinds = 256;        // told apart at a time

  // Whether to show this one now. Of what is not told apart any more all are shown.
  bool admit(const std::string& text, std::int64_t now);

  struct Omitted {
    std::string text;
    std::uint64_t count;
  };
  // What was not shown in windows that have ended, or, with `all`, so far; each is returned once.
  std::vector<Omitted> take_omitted(std::int64_t now, bool all = false);

private:
  struct Window {
    std::int64_t begin;
    std::uint64_t seen;
  };
  std::map<std::string, Window> windows_;
};

} // namespace grove::detail
