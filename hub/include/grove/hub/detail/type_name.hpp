// SPDX-License-Identifier: MIT
// A class's name, at compile time: "Clerk", and with its namespaces "bank::Clerk".
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace grove::detail {

template <class T>
constexpr std::string_view qualified_name_view() {
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
  return function.substr(start, end - start);
}

template <class T>
constexpr std::string_view type_name_view() {
  constexpr std::string_view name = qualified_name_view<T>();
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
template <std::size_t Size>
constexpr auto terminated(std::string_view name) {
  std::array<char, Size + 1> text{};
  for (std::size_t i = 0; i < Size; ++i)
    text[i] = name[i];
  return text;
}
template <class T>
constexpr auto type_name() {
  return terminated<type_name_view<T>().size()>(type_name_view<T>());
}
template <class T>
constexpr auto qualified_name() {
  return terminated<qualified_name_view<T>().size()>(qualified_name_view<T>());
}

} // namespace grove::detail
