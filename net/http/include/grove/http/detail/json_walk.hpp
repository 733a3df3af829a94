// SPDX-License-Identifier: MIT
// From boost::json::value to C++ types, knowing where one is.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/describe/enum_from_string.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>
#include <boost/mp11/algorithm.hpp>

#include <grove/http/json_error.hpp>
#include <grove/http/json_options.hpp>

namespace grove::http {

class ClientResponse;

namespace detail {

[[noreturn]] void blame_server(const ClientResponse& response, const JsonError& error);

// A step from a value into one of its parts. The steps are on the stack of the calls that walk.
struct JsonPath {
  const JsonPath* outer = nullptr;
  std::string_view name{};
  std::optional<std::size_t> index{};

  std::string pointer() const;
};
[[noreturn]] void refuse(const JsonPath& path, const std::string& why);
[[noreturn]] void refuse_kind(const JsonPath& path, const char* wanted,
                              const boost::json::value& found);

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
concept JsonMap = std::same_as<typename T::key_type, std::string> &&
    requires(T map, typename T::mapped_type value) {
  map.insert_or_assign(std::string(), std::move(value));
};
template <class T>
concept JsonSequence = requires(T all, typename T::value_type one) {
  all.push_back(std::move(one));
};

template <std::integral T>
bool number_from_json(const boost::json::value& value, T& into) {
  if (const auto* number = value.if_int64()) {
    into = static_cast<T>(*number);
    return std::in_range<T>(*number);
  }
  if (const auto* number = value.if_uint64()) {
    into = static_cast<T>(*number);
    return std::in_range<T>(*number);
  }
  const double number = value.as_double(); // 3.0 and 1e3 are whole, too
  if (number < static_cast<double>(std::numeric_limits<T>::min()) ||
      number >= std::ldexp(1.0, std::numeric_limits<T>::digits) || std::trunc(number) != number)
    return false;
  into = static_cast<T>(number);
  return true;
}
template <std::floating_point T>
bool number_from_json(const boost::json::value& value, T& into) {
  const auto number = value.to_number<double>();
  if (!(std::abs(number) <= static_cast<double>(std::numeric_limits<T>::max())))
    return false;
  into = static_cast<T>(number);
  return true;
}

template <class T>
T from_json(const boost::json::value& value, const JsonPath& path, const JsonOptions& options);

template <class T>
T struct_from_json(const boost::json::value& value, const JsonPath& path,
                   const JsonOptions& options) {
  using namespace boost::describe; // NOLINT(google-build-using-namespace): modifiers are or-ed
  using Members = describe_members<T, mod_public | mod_inherited>;
  const auto* object = value.if_object();
  if (object == nullptr)
    refuse_kind(path, "an object", value);
  T made{};
  std::size_t found = 0;
  boost::mp11::mp_for_each<Members>([&](auto member) {
    using Member = std::remove_reference_t<decltype(made.*member.pointer)>;
    const std::string_view name = member.name;
    const auto* const part = object->if_contains({name.data(), name.size()});
    if (part != nullptr) {
      ++found;
      made.*member.pointer = detail::from_json<Member>(*part, {&path, name}, options);
    } else if constexpr (!is_optional<Member>) {
      refuse({&path, name}, "is missing");
    }
  });
  if (found == object->size() || options.unknown_members)
    return made;
  for (const auto& each : *object) {
    const std::string_view key(each.key().data(), each.key().size());
    bool known = false;
    boost::mp11::mp_for_each<Members>([&](auto member) { known = known || key == member.name; });
    if (!known)
      refuse({&path, key}, "is no member that is known here");
  }
  return made;
}

template <class T>
T from_json(const boost::json::value& value, const JsonPath& path, const JsonOptions& options) {
  if constexpr (std::is_same_v<T, boost::json::value>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (const bool* found = value.if_bool())
      return *found;
    refuse_kind(path, "true or false", value);
  } else if constexpr (std::is_arithmetic_v<T>) {
    if (!value.is_number())
      refuse_kind(path, std::is_integral_v<T> ? "a whole number" : "a number", value);
    T number{};
    if (!number_from_json(value, number))
      refuse(path,
             std::is_integral_v<T> ? "is no whole number, or out of range" : "is out of range");
    return number;
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (const auto* found = value.if_string())
      return T(found->data(), found->size());
    refuse_kind(path, "a string", value);
  } else if constexpr (is_optional<T>) {
    if (value.is_null())
      return std::nullopt;
    return detail::from_json<typename T::value_type>(value, path, options);
  } else if constexpr (boost::describe::has_describe_enumerators<T>::value) {
    const auto* found = value.if_string();
    if (found == nullptr)
      refuse_kind(path, "a string", value);
    T known{};
    if (!boost::describe::enum_from_string(std::string(found->data(), found->size()).c_str(),
                                           known))
      refuse(path, "is none of the words that are known here");
    return known;
  } else if constexpr (boost::describe::has_describe_members<T>::value) {
    return struct_from_json<T>(value, path, options);
  } else if constexpr (JsonMap<T>) {
    const auto* object = value.if_object();
    if (object == nullptr)
      refuse_kind(path, "an object", value);
    T map{};
    for (const auto& each : *object) {
      const std::string_view key(each.key().data(), each.key().size());
      map.insert_or_assign(std::string(key), detail::from_json<typename T::mapped_type>(
                                                 each.value(), {&path, key}, options));
    }
    return map;
  } else if constexpr (JsonSequence<T>) {
    const auto* array = value.if_array();
    if (array == nullptr)
      refuse_kind(path, "an array", value);
    T all{};
    for (std::size_t i = 0; i < array->size(); ++i)
      all.push_back(
          detail::from_json<typename T::value_type>((*array)[i], {&path, {}, i}, options));
    return all;
  } else {
    static_assert(
        boost::json::has_value_to<T>::value,
        "JSON can become a bool, a number, a std::string, a std::optional, a sequence or "
        "map of such, an enum or a struct told by BOOST_DESCRIBE_ENUM or _STRUCT, or what "
        "boost::json::value_to() knows");
    auto converted = boost::json::try_value_to<T>(value);
    if (!converted)
      refuse(path, converted.error().message());
    return *std::move(converted);
  }
}

} // namespace detail
} // namespace grove::http
