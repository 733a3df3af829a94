// SPDX-License-Identifier: MIT
// A class's name as written, at compile time.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace grove::detail {

template <class T>
constexpr std::string_view type_name_view() {
#if defined(__clang__)
  constexpr std::string_view function = __PRETTY_FUNCTION__;
  constexpr std::string_view before = "[T = ";
  const std::size_t end = function.rfind(']');
#else
  constexpr std::string_view function = __PRETTY_FUNCTION__;
  constexpr std::string_view before = "[with T = ";
  const std::size_t end = function.find("; std::string_view", function.find(before));
#endif
  const std::size_t start = function.find(before) + before.size();
  std::string_view name = function.substr(start, end - start);
  // A local class carries its function's signature: its own name is what follows the last "::".
  int depth = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i + 1 < name.size(); ++i) {
    if (name[i] == '<' || name[i] == '(' || name[i] == '{')
      ++depth;
    if (name[i] == '>' || name[i] == ')' || name[i] == '}')
      --depth;
    if (depth == 0 && name[i] == ':' && name[i + 1] == ':')
      last = i + 2;
  }
  return name.substr(last);
}

// Zero-terminated.
template <class T>
constexpr auto type_name() {
  constexpr std::string_view name = type_name_view<T>();
  std::array<char, name.size() + 1> text{};
  for (std::size_t i = 0; i < name.size(); ++i)
    text[i] = name[i];
  return text;
}

} // namespace grove::detail
