// SPDX-License-Identifier: MIT
// The walk over a value: what is put to the Encoder, and taken from the Decoder, for each type.
#pragma once

#include <grove/zmq/coder.hpp>
#include <grove/zmq/detail/check.hpp>
#include <grove/zmq/detail/fields.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace grove::zmq::detail {

template <class T>
void write(Encoder& out, const T& value);
template <class T>
void read(Decoder& in, T& value);

/// A duration's unit in nanoseconds, and whether so many units fit the 64 bits of the encoding.
template <Duration T>
struct Nanos {
  using PerUnit = std::ratio_divide<typename T::period, std::nano>;
  using Range = std::numeric_limits<std::int64_t>;
  static_assert(PerUnit::den == 1, "grove codec: a duration finer than nanoseconds");
  static constexpr std::int64_t unit = PerUnit::num;
  static constexpr bool is_float = std::is_floating_point_v<typename T::rep>;

  static double as_float(T value) {
    return static_cast<double>(value.count()) * static_cast<double>(unit);
  }
  static bool fits(T value) {
    if constexpr (is_float)
      return as_float(value) >= -0x1p63 && as_float(value) < 0x1p63;
    else
      return std::cmp_less_equal(value.count(), Range::max() / unit) &&
             std::cmp_greater_equal(value.count(), Range::min() / unit);
  }
};

template <Duration T>
void write_duration(Encoder& out, T value) {
  using Unit = Nanos<T>;
  if (!Unit::fits(value))
    out.fail("a duration outside of 64 bit nanoseconds");
  if constexpr (Unit::is_float)
    out.signed_integer(std::llround(Unit::as_float(value)));
  else
    out.signed_integer(static_cast<std::int64_t>(value.count()) * Unit::unit);
}

template <Duration T>
void read_duration(Decoder& in, T& value) {
  using Unit = Nanos<T>;
  using Rep = typename T::rep;
  const std::size_t at = in.offset();
  const std::int64_t nanos = in.signed_integer(Unit::Range::min(), Unit::Range::max());
  bool good = true;
  if constexpr (Unit::is_float) {
    value = T(static_cast<Rep>(static_cast<double>(nanos) / static_cast<double>(Unit::unit)));
    good = Unit::fits(value); // rounding may have led out at the very ends
  } else {
    good = nanos % Unit::unit == 0 && std::in_range<Rep>(nanos / Unit::unit);
    value = T(static_cast<Rep>(nanos / Unit::unit));
  }
  if (!good)
    in.fail("nanoseconds that the duration's unit can hold", std::to_string(nanos), at);
}

template <class Tie>
void write_fields(Encoder& out, const Tie& fields) {
  std::apply(
      [&](const auto&... field) {
        out.array(sizeof...(field));
        (write(out, field), ...);
        out.close();
      },
      fields);
}

/// Lets a struct with bool valid() const refuse what was read into it.
template <class T>
void check_valid(Decoder& in, const T& value, std::size_t at) {
  if constexpr (requires {
                  { value.valid() } -> std::same_as<bool>;
                }) {
    if (!value.valid())
      in.fail("a value for which valid() is true", "one for which it is not", at);
  }
}

/// Fields that the body does not have keep what they are; elements it has beyond are passed over.
template <class Get, std::size_t... I>
void read_fields(Decoder& in, std::span<const std::string_view> names, [[maybe_unused]] Get get,
                 std::index_sequence<I...>) {
  Decoder::Level level(in, Decoder::Level::Kind::array, 0, names);
  [[maybe_unused]] const auto one = [&](std::size_t index, auto& field) {
    if (index < level.size()) {
      level.at(index);
      read(in, field);
    }
  };
  (one(I, get(std::integral_constant<std::size_t, I>{})), ...);
  for (std::size_t i = sizeof...(I); i < level.size(); ++i) {
    level.at(i);
    in.skip();
  }
}

template <class T>
void write_elements(Encoder& out, const T& value) {
  out.array(value.size());
  for (const auto& element : value)
    write(out, element);
  out.close();
}

template <class T>
void write(Encoder& out, const T& value) {
  check<T>();
  if constexpr (std::same_as<T, bool>) {
    out.boolean(value);
  } else if constexpr (std::signed_integral<T>) {
    out.signed_integer(value);
  } else if constexpr (Integer<T>) {
    out.unsigned_integer(value);
  } else if constexpr (std::is_enum_v<T>) {
    write(out, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::same_as<T, float>) {
    out.float32(value);
  } else if constexpr (std::same_as<T, double>) {
    out.float64(value);
  } else if constexpr (Duration<T>) {
    write_duration(out, value);
  } else if constexpr (std::same_as<T, std::string>) {
    out.str(value);
  } else if constexpr (std::same_as<T, std::monostate>) {
    out.nil();
  } else if constexpr (is_a<T, std::optional>) {
    static_assert(!may_be_nil<typename T::value_type>,
                  "grove codec: an optional within an optional is nil either way");
    if (value)
      write(out, *value);
    else
      out.nil();
  } else if constexpr (is_a<T, std::variant>) {
    if (value.valueless_by_exception())
      out.fail("a variant that lost its value");
    out.array(2);
    out.unsigned_integer(value.index());
    std::visit([&](const auto& held) { write(out, held); }, value);
    out.close();
  } else if constexpr (Set<T>) {
    out.begin_key();
    write_elements(out, value);
    out.end_key();
  } else if constexpr (Map<T>) {
    out.map(value.size());
    for (const auto& [key, mapped] : value) {
      out.begin_key();
      write(out, key);
      out.end_key();
      write(out, mapped);
    }
    out.close();
  } else if constexpr (is_a<T, std::vector> || is_std_array<T>) {
    if constexpr (Byte<typename T::value_type>)
      out.bin(std::as_bytes(std::span(value)));
    else
      write_elements(out, value);
  } else if constexpr (TupleLike<T>) {
    write_fields(out, value);
  } else if constexpr (HasFields<T>) {
    static_assert(HasFields<const T>, "grove codec: fields() must also be there const, to encode");
    if constexpr (HasFields<const T>)
      write_fields(out, value.fields());
  } else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>) {
    constexpr std::size_t count = field_count<T>;
    // Not const: a const reference would bind to a copy of a bit-field, which is gone at once.
    const auto tie = tie_aggregate<count>(const_cast<T&>(value));
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      using boost::pfr::detail::sequence_tuple::get;
      out.array(count);
      (write(out, std::as_const(get<I>(tie))), ...);
      out.close();
    }
    (std::make_index_sequence<count>{});
  }
}

template <class T>
void read_vector(Decoder& in, T& value) {
  Decoder::Level level(in, Decoder::Level::Kind::array, sizeof(typename T::value_type));
  value.clear();
  value.reserve(level.reserve());
  for (std::size_t i = 0; i < level.size(); ++i) {
    level.at(i);
    if constexpr (std::same_as<typename T::value_type, bool>)
      value.push_back(in.boolean());
    else
      read(in, value.emplace_back());
  }
}

template <class T>
void read_bytes(Decoder& in, T& value) {
  const std::size_t at = in.offset();
  const auto bytes = in.bin();
  const auto* data = reinterpret_cast<const typename T::value_type*>(bytes.data());
  if constexpr (is_std_array<T>) {
    if (bytes.size() != value.size())
      in.fail("bin of " + std::to_string(value.size()) + " bytes", std::to_string(bytes.size()),
              at);
    std::copy_n(data, bytes.size(), value.begin());
  } else {
    value.assign(data, data + bytes.size());
  }
}

/// Maps and sets. Keys come sorted from our own encoder, hence the hint.
template <class T>
void read_keyed(Decoder& in, T& value) {
  using Kind = Decoder::Level::Kind;
  constexpr std::size_t node = 48; // of the tree or the hash table and of malloc, at most
  constexpr std::size_t max_chain = 128;
  Decoder::Level level(in, Map<T> ? Kind::map : Kind::array, sizeof(typename T::value_type) + node);
  value.clear();
  if constexpr (requires { value.reserve(1); })
    value.reserve(level.reserve());
  for (std::size_t i = 0; i < level.size(); ++i) {
    const std::size_t at = in.offset();
    typename T::key_type key{};
    level.at(i, Map<T> ? ".key" : "");
    in.begin_key();
    read(in, key);
    in.end_key();
    [[maybe_unused]] typename T::iterator place;
    if constexpr (Map<T>)
      place = value.try_emplace(value.end(), std::move(key));
    else
      place = value.insert(value.end(), std::move(key));
    if (value.size() != i + 1)
      in.fail("a key that was not there yet", "a duplicate", at);
    if constexpr (requires { value.bucket_count(); }) {
      // std::hash is not seeded: whoever knows it can send keys that all land in one bucket.
      const auto& kept = [&]() -> const auto& {
        if constexpr (Map<T>)
          return place->first;
        else
          return *place;
      }
      ();
      if (value.bucket_size(value.bucket(kept)) > max_chain)
        in.fail("keys whose hashes differ", "too many in one bucket", at);
    }
    if constexpr (Map<T>) {
      level.at(i, ".value");
      read(in, place->second);
    }
  }
}

template <class T>
void read_tuple(Decoder& in, T& value) {
  Decoder::Level level(in, Decoder::Level::Kind::array, 0);
  level.expect(std::tuple_size_v<T>);
  std::size_t index = 0;
  [[maybe_unused]] const auto one = [&](auto& element) {
    level.at(index++);
    read(in, element);
  };
  std::apply([&](auto&... element) { (one(element), ...); }, value);
}

template <class T>
void read_variant(Decoder& in, T& value) {
  Decoder::Level level(in, Decoder::Level::Kind::array, 0);
  level.expect(2);
  level.at(0);
  const std::uint64_t chosen = in.unsigned_integer(std::variant_size_v<T> - 1);
  level.at(1);
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((chosen == I ? read(in, value.template emplace<I>()) : void()), ...);
  }
  (std::make_index_sequence<std::variant_size_v<T>>{});
}

template <class T>
void read(Decoder& in, T& value) {
  check<T>();
  if constexpr (std::same_as<T, bool>) {
    value = in.boolean();
  } else if constexpr (std::signed_integral<T>) {
    using Range = std::numeric_limits<T>;
    value = static_cast<T>(in.signed_integer(Range::min(), Range::max()));
  } else if constexpr (Integer<T>) {
    value = static_cast<T>(in.unsigned_integer(std::numeric_limits<T>::max()));
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> number{};
    read(in, number);
    value = static_cast<T>(number);
  } else if constexpr (std::same_as<T, float>) {
    value = in.float32();
  } else if constexpr (std::same_as<T, double>) {
    value = in.float64();
  } else if constexpr (Duration<T>) {
    read_duration(in, value);
  } else if constexpr (std::same_as<T, std::string>) {
    value.assign(in.str());
  } else if constexpr (std::same_as<T, std::monostate>) {
    if (const std::size_t at = in.offset(); !in.nil())
      in.fail("nil", "something else", at);
  } else if constexpr (is_a<T, std::optional>) {
    if (in.nil())
      value.reset();
    else
      read(in, value.emplace());
  } else if constexpr (is_a<T, std::variant>) {
    read_variant(in, value);
  } else if constexpr (Set<T> || Map<T>) {
    read_keyed(in, value);
  } else if constexpr (is_a<T, std::vector> || is_std_array<T>) {
    if constexpr (Byte<typename T::value_type>)
      read_bytes(in, value);
    else if constexpr (is_std_array<T>)
      read_tuple(in, value);
    else
      read_vector(in, value);
  } else if constexpr (TupleLike<T>) {
    read_tuple(in, value);
  } else if constexpr (HasFields<T>) {
    const std::size_t at = in.offset();
    auto tie = value.fields();
    read_fields(
        in, {}, [&](auto index) -> auto& { return std::get<index()>(tie); },
        std::make_index_sequence<std::tuple_size_v<decltype(tie)>>{});
    check_valid(in, value, at);
  } else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>) {
    constexpr std::size_t count = field_count<T>;
    const std::size_t at = in.offset();
    auto tie = tie_aggregate<count>(value);
    using boost::pfr::detail::sequence_tuple::get;
    read_fields(
        in, field_names<T, count>, [&](auto index) -> auto& { return get<index()>(tie); },
        std::make_index_sequence<count>{});
    check_valid(in, value, at);
  }
}

} // namespace grove::zmq::detail
