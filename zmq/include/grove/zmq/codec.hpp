// SPDX-License-Identifier: MIT
// Messages to msgpack and back: plain structs without macros, and limits for what strangers send.
#pragma once

#include <boost/pfr/core.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <ratio>
#include <set>
#include <span>
#include <stdexcept>
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

/// What an encoded message is kept in.
using Bytes = std::vector<std::byte>;

/// How much a message may be and cost. encode() keeps all but max_memory, so what it lets through
/// a peer with the same limits takes.
struct CodecLimits {
  std::size_t max_bytes = 16u << 20;   ///< of the encoded message
  std::size_t max_elements = 1u << 20; ///< of any one array, or pairs of any one map
  std::size_t max_memory = 64u << 20;  ///< bytes that the elements of all containers may take
  unsigned max_depth = 32;             ///< arrays and maps within one another
};

/// Thrown by decode(): what() names type, field, what was expected, what was found, and where.
class DecodeError : public std::runtime_error {
public:
  DecodeError(const std::string& what, std::size_t offset)
      : std::runtime_error(what), offset_(offset) {}
  /// Where in the body, in bytes.
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

private:
  std::size_t offset_;
};

/// Thrown by encode() for a value that has no encoding, or one above the limits.
class EncodeError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Appends msgpack to a buffer, value by value. For one thread at a time; never parks. Every call
/// may throw EncodeError or std::bad_alloc, after which the buffer holds a part of a message.
class Encoder {
public:
  explicit Encoder(Bytes& out, const CodecLimits& limits = {}, std::string_view type = "value");

  void nil();
  void boolean(bool value);
  void signed_integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  void float32(float value);
  void float64(double value);
  void str(std::string_view value);
  void bin(std::span<const std::byte> value);

  /// Opens an array of that many elements, or a map of that many pairs; close() ends it.
  void array(std::size_t size);
  void map(std::size_t size);
  void close() noexcept { --depth_; }

  /// Between these NaN is refused: a NaN is no key.
  void begin_key() noexcept { ++key_depth_; }
  void end_key() noexcept { --key_depth_; }

  [[noreturn]] void fail(const std::string& why) const;

private:
  void open(std::size_t size);
  struct Sink;

  Bytes* out_;
  std::size_t start_;
  CodecLimits limits_;
  std::string_view type_;
  unsigned depth_ = 0;
  unsigned key_depth_ = 0;
};

/// Takes msgpack apart, value by value, never trusting it. For one thread at a time; never parks.
/// Every call may throw DecodeError, after which the decoder is of no further use. Views that it
/// returns point into the body.
class Decoder {
public:
  class Level;

  explicit Decoder(std::span<const std::byte> body, const CodecLimits& limits = {},
                   std::string_view type = "value");

  /// Takes a nil if one is next.
  [[nodiscard]] bool nil();
  [[nodiscard]] bool boolean();
  [[nodiscard]] std::int64_t signed_integer(std::int64_t low, std::int64_t high);
  [[nodiscard]] std::uint64_t unsigned_integer(std::uint64_t high);
  /// Takes the other float width and any integer too, if the value is held without overflow
  /// (integers: exactly), since other languages write 3.0 as 3.
  [[nodiscard]] float float32();
  [[nodiscard]] double float64();
  [[nodiscard]] std::string_view str();
  [[nodiscard]] std::span<const std::byte> bin();
  /// Passes over one value of any kind, which must be sound.
  void skip();
  /// Refuses what is left of the body.
  void finish();

  /// Between these NaN is refused: a NaN is no key.
  void begin_key() noexcept { ++key_depth_; }
  void end_key() noexcept { --key_depth_; }

  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[noreturn]] void fail(std::string_view expected, std::string_view found, std::size_t at) const;

private:
  struct Token;
  class TokenVisitor;
  class SkipVisitor;
  Token next(std::string_view expected);
  std::int64_t integer_as_float(const Token& token, int digits) const;
  [[noreturn]] void fail(std::string_view expected, const Token& found) const;

  std::span<const std::byte> body_;
  std::size_t offset_ = 0;
  CodecLimits limits_;
  std::string_view type_;
  std::size_t memory_left_;
  Level* top_ = nullptr;
  unsigned depth_ = 0;
  unsigned key_depth_ = 0;
};

/// An array or map that is being decoded, and a step of the path that errors name. Lives on the
/// stack of who decodes it.
class Decoder::Level {
public:
  enum class Kind { array, map };

  /// Opens the next value. `cost` is the memory one element will take; it is refused before any is
  /// taken. `names`, if there are some, are those of the fields.
  Level(Decoder& in, Kind kind, std::size_t cost, std::span<const std::string_view> names = {});
  ~Level() {
    in_.top_ = up_;
    --in_.depth_;
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// How many elements to make room for at once: a count alone must not allocate much.
  [[nodiscard]] std::size_t reserve() const noexcept { return reserve_; }
  void expect(std::size_t size) const;
  void at(std::size_t index, std::string_view part = {}) noexcept {
    index_ = index;
    part_ = part;
  }

private:
  friend class Decoder;
  Decoder& in_;
  Level* up_;
  std::size_t start_;
  std::size_t size_;
  std::size_t reserve_;
  std::span<const std::string_view> names_;
  std::size_t index_;
  std::string_view part_;
};

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

/// Whether member number Before is an array: braces around two values take the place of two.
template <class T, std::size_t Before, std::size_t Count>
consteval bool is_array_at() {
  return
      []<std::size_t... B, std::size_t... A>(std::index_sequence<B...>, std::index_sequence<A...>) {
    using Any = Anything<T>;
    return requires { T{Any{B}..., {Any{0}, Any{1}}}; }
    &&!requires { T{Any{B}..., {Any{0}, Any{1}}, Any{A}...}; };
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

// -- the walk --------------------------------------------------------------------------------

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
    auto tie = value.fields();
    read_fields(
        in, {}, [&](auto index) -> auto& { return std::get<index()>(tie); },
        std::make_index_sequence<std::tuple_size_v<decltype(tie)>>{});
  } else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>) {
    constexpr std::size_t count = field_count<T>;
    auto tie = tie_aggregate<count>(value);
    using boost::pfr::detail::sequence_tuple::get;
    read_fields(
        in, field_names<T, count>, [&](auto index) -> auto& { return get<index()>(tie); },
        std::make_index_sequence<count>{});
  }
}

} // namespace detail

/// Appends the encoding of `value`; on a throw the buffer is as before. A loop that clears and
/// passes the same buffer allocates nothing once it has grown.
template <class T>
void encode_to(const T& value, Bytes& out, const CodecLimits& limits = {}) {
  const std::size_t before = out.size();
  try {
    Encoder encoder(out, limits, detail::type_name<T>());
    detail::write(encoder, value);
  } catch (...) {
    out.resize(before);
    throw;
  }
}

/// The encoding of `value`. Throws EncodeError. From any thread; never parks.
template <class T>
[[nodiscard]] Bytes encode(const T& value, const CodecLimits& limits = {}) {
  Bytes out;
  encode_to(value, out, limits);
  return out;
}

/// The T that `body` is the encoding of, to its last byte. Throws DecodeError. From any thread;
/// never parks.
template <class T>
[[nodiscard]] T decode(std::span<const std::byte> body, const CodecLimits& limits = {}) {
  Decoder decoder(body, limits, detail::type_name<T>());
  T value{};
  detail::read(decoder, value);
  decoder.finish();
  return value;
}

} // namespace grove::zmq
