// SPDX-License-Identifier: MIT
// What a type must be to be a part of a message, and the words for what it is not.
#pragma once

#include <grove/zmq/detail/fields.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace grove::zmq::detail {

/// Says in words why a type cannot be a part of a message.
template <class T>
consteval void check() {
  static_assert(!std::is_reference_v<T> && !std::is_const_v<T>,
                "grove codec: a reference or const field cannot be decoded; hold a value");
  static_assert(!std::is_pointer_v<T> && !std::is_member_pointer_v<T> && !std::is_null_pointer_v<T>,
                "grove codec: a raw pointer means nothing to a peer; hold a value, a std::optional "
                "or a std::vector");
  static_assert(!std::is_array_v<T>, "grove codec: a C array; use std::array");
  static_assert(!std::is_union_v<T>, "grove codec: a union does not say what it holds; use "
                                     "std::variant");
  static_assert(!is_a<T, std::basic_string_view>,
                "grove codec: a string_view owns nothing to decode into; use std::string");
  static_assert(Leaf<T> || !std::is_arithmetic_v<T>,
                "grove codec: msgpack has no such number; use integers up to 64 bits, float or "
                "double");
  if constexpr (std::is_enum_v<T>)
    // Any integer within the underlying type is a value of such an enum; of another it may be
    // undefined behaviour to hold it, and the codec does not know the enumerators.
    static_assert(
        requires { T{std::underlying_type_t<T>{}}; },
        "grove codec: an enum without a fixed underlying type; write enum E : int, or "
        "enum class E");
  if constexpr (std::is_class_v<T> && !Library<T> && !Duration<T> && !HasFields<T> &&
                !is_a<T, std::basic_string_view>)
    static_assert(std::is_aggregate_v<T>,
                  "grove codec: neither an aggregate nor a type the codec knows; give it "
                  "auto fields() { return std::tie(...); } and the same const");
}

/// Says in words why an aggregate cannot be walked; else its number of fields.
template <class T>
consteval std::size_t checked_fields() {
  static_assert(!HasBase<T>, "grove codec: an aggregate with a base class; make the base a field, "
                             "or give the struct fields()");
  static_assert(std::is_default_constructible_v<T>,
                "grove codec: decoding starts from T{}, which this struct does not allow: is a "
                "field a reference, const, or without a default constructor?");
  static_assert(std::is_move_assignable_v<T>,
                "grove codec: a struct that cannot be assigned: is a field a reference or const?");
  if constexpr (!HasBase<T> && std::is_default_constructible_v<T>) {
    constexpr std::size_t count = count_fields<T>();
    static_assert(count > 0 || std::is_empty_v<T>,
                  "grove codec: the fields cannot be counted; is there an anonymous union?");
    static_assert(count <= max_fields, "grove codec: a struct of more than 100 fields; nest some "
                                       "in structs of their own");
    if constexpr (count <= max_fields) {
      constexpr bool c_array = has_c_array<T, count>();
      static_assert(!c_array, "grove codec: a struct with a C array; use std::array");
      if constexpr (!c_array) {
        static_assert(plain_size<T, count>() <= sizeof(T),
                      "grove codec: a struct with bit-fields or packed fields; use whole integers");
        return count;
      }
    }
  }
  return 0;
}
template <class T>
inline constexpr std::size_t field_count = checked_fields<T>();

} // namespace grove::zmq::detail
