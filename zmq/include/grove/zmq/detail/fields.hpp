// SPDX-License-Identifier: MIT
// The fields of plain structs, without macros: which kinds there are, how many, and their names.
#pragma once

#include <boost/pfr/core.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace grove::zmq {

namespace detail {

template <class T, template <class...> class Of>
inline constexpr bool is_a = false;
template <class... Args, template <class...> class Of>
inline constexpr bool is_a<Of<Args...>, Of> = true;
template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t N>
inline constexpr bool is_std_array<std::array<T, N>> = true;

template <class T>
concept Byte = std::same_as<T, std::byte> || std::same_as<T, unsigned char>;
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && sizeof(T) <= 8;
template <class T>
concept Float = std::same_as<T, float> || std::same_as<T, double>;
template <class T>
concept Duration = is_a<T, std::chrono::duration>;
template <class T>
concept Map = is_a<T, std::map> || is_a<T, std::unordered_map>;
template <class T>
concept Set = is_a<T, std::set> || is_a<T, std::unordered_set>;
template <class T>
concept TupleLike = is_a<T, std::tuple> || is_a<T, std::pair>;
template <class T>
concept HasFields = requires(T& t) {
  t.fields();
};
template <class T>
concept Leaf = Integer<T> || Float<T> || Duration<T> || std::same_as<T, bool> || std::is_enum_v<T>;
template <class T>
concept Library = Map<T> || Set<T> || TupleLike<T> || is_a<T, std::vector> || is_std_array<T> ||
    is_a<T, std::optional> || is_a<T, std::variant> || std::same_as<T, std::monostate> ||
    std::same_as<T, std::string>;

/// Types whose encoding may be nil; within an optional they could not be told from "none".
template <class T>
inline constexpr bool may_be_nil = is_a<T, std::optional> || std::same_as<T, std::monostate>;

// -- counting fields -------------------------------------------------------------------------
// PFR's own count is not used: g++ 12 dies of an internal error in it for a struct with a
// std::array<std::string, N>, and it takes the elements of a C array for fields. What becomes a
// field is PFR's business (tie_as_tuple).

inline constexpr std::size_t max_fields = 100;

template <class T>
using Anything =
    std::conditional_t<std::is_copy_constructible_v<T>, boost::pfr::detail::ubiq_lref_constructor,
                       boost::pfr::detail::ubiq_rref_constructor>;

template <class T>
struct AnyBaseOf {
  template <class B>
  requires(std::is_base_of_v<B, T> && !std::same_as<B, T>) operator B&() const;
};

template <class T>
concept HasBase = requires {
  T{AnyBaseOf<T>{}};
};

template <class T, std::size_t N>
consteval bool takes() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return requires { T{Anything<T>{I}...}; };
  }
  (std::make_index_sequence<N>{});
}

template <class T, std::size_t N = 0>
consteval std::size_t count_fields() {
  if constexpr (N <= max_fields && takes<T, N + 1>())
    return count_fields<T, N + 1>();
  else
    return N;
}

/// Anything within the braces of one member, but no std::allocator_arg_t: a std::tuple has a
/// constructor that takes that and one thing more, in whose body clang finds errors.
template <class T>
struct AnythingInside {
  std::size_t ignored;
  template <class U>
  requires(std::is_copy_constructible_v<T> &&
           !std::same_as<std::remove_const_t<U>, std::allocator_arg_t>)
  operator U&() const {
    std::abort();
  } // never called; clang wants a body
  template <class U>
  requires(!std::is_copy_constructible_v<T> && !std::same_as<U, std::allocator_arg_t>)
  operator U() const {
    std::abort();
  }
};

/// Whether member number Before is an array: braces around two values take the place of two.
template <class T, std::size_t Before, std::size_t Count>
consteval bool is_array_at() {
  return
      []<std::size_t... B, std::size_t... A>(std::index_sequence<B...>, std::index_sequence<A...>) {
    using Any = Anything<T>;
    using In = AnythingInside<T>;
    return requires { T{Any{B}..., {In{0}, In{1}}}; }
    &&!requires { T{Any{B}..., {In{0}, In{1}}, Any{A}...}; };
  }
  (std::make_index_sequence<Before>{}, std::make_index_sequence<Count - Before - 1>{});
}

template <class T, std::size_t Count>
consteval bool has_c_array() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return (is_array_at<T, I, Count>() || ...);
  }
  (std::make_index_sequence<Count>{});
}

/// References to the fields of an aggregate.
template <std::size_t N, class T>
constexpr auto tie_aggregate(T& value) {
  return boost::pfr::detail::tie_as_tuple(value, boost::pfr::detail::size_t_<N>{});
}

template <class T, std::size_t I, std::size_t N>
using FieldOf = typename boost::pfr::detail::sequence_tuple::tuple_element<
    I, decltype(tie_aggregate<N>(std::declval<const T&>()))>::type;

/// The bytes that the fields take when each is an object of its own; bit-fields take fewer.
template <class T, std::size_t N>
consteval std::size_t plain_size() {
  std::size_t end = 0;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    [[maybe_unused]] const auto place = [&](std::size_t size, std::size_t align) {
      end = (end + align - 1) / align * align + size;
    };
    ((std::is_empty_v<FieldOf<T, I, N>>
          ? void()
          : place(sizeof(FieldOf<T, I, N>), alignof(FieldOf<T, I, N>))),
     ...);
  }
  (std::make_index_sequence<N>{});
  return end;
}

// -- names, for errors -----------------------------------------------------------------------

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <class T>
struct Holder {
  const T value;
};
template <class T>
extern const Holder<T> nowhere; // only its members' addresses are taken
template <class P>
struct Address {
  P pointer;
};
template <class P>
Address(P) -> Address<P>;

template <auto Field>
consteval std::string_view field_name_of() {
  std::string_view name = __PRETTY_FUNCTION__; // … nowhere<T>.Holder<T>::value.T::price)}…
  const auto in_name = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  name.remove_suffix(name.size() - name.rfind('}'));
  while (!name.empty() && !in_name(name.back()))
    name.remove_suffix(1);
  std::size_t start = name.size();
  while (start > 0 && in_name(name[start - 1]))
    --start;
  return name.substr(start);
}

template <class T, std::size_t N>
inline constexpr auto field_names = []<std::size_t... I>(std::index_sequence<I...>) {
  using boost::pfr::detail::sequence_tuple::get;
  return std::array<std::string_view, N>{
      field_name_of<Address{std::addressof(get<I>(tie_aggregate<N>(nowhere<T>.value)))}>()...};
}
(std::make_index_sequence<N>{});
#ifdef __clang__
#pragma clang diagnostic pop
#endif

template <class T>
consteval const char* pretty() {
  return __PRETTY_FUNCTION__;
}

/// T as the compiler writes it, less an anonymous namespace or a function around it.
template <class T>
consteval std::string_view type_name() {
  std::string_view name = pretty<T>();
  name.remove_prefix(name.find("T = ") + 4);
  name.remove_suffix(name.size() - name.rfind(']'));
  if (const auto local = name.find_last_of(")}");
      local != name.npos && name.find('<') == name.npos && name.substr(local + 1).starts_with("::"))
    name.remove_prefix(local + 3);
  return name;
}

} // namespace detail

} // namespace grove::zmq
