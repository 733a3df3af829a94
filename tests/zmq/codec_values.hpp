// SPDX-License-Identifier: MIT
// Values of all kinds for the codec's tests, and bytes written by hand. Errors name the types: they
// are in no namespace with a name.
#pragma once

#include <grove/zmq/codec.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

using namespace std::chrono_literals;
using grove::zmq::Bytes;
using grove::zmq::CodecLimits;
using grove::zmq::decode;
using grove::zmq::DecodeError;
using grove::zmq::encode;
using grove::zmq::encode_to;
using grove::zmq::EncodeError;

enum class Side : std::uint8_t { buy, sell };

struct Line {
  std::string item;
  double price = 0;
  std::uint8_t count = 1;
  bool operator==(const Line&) const = default;
};

struct Order {
  std::uint64_t id = 0;
  std::string who;
  std::vector<Line> lines;
  std::optional<int> note;
  bool operator==(const Order&) const = default;
};

class Money {
public:
  Money() = default;
  Money(std::int64_t cents, Side side) : cents_(cents), side_(side) {}
  auto fields() { return std::tie(cents_, side_); }
  auto fields() const { return std::tie(cents_, side_); }
  bool operator==(const Money&) const = default;

private:
  std::int64_t cents_ = 0;
  Side side_ = Side::buy;
};

struct Empty {
  bool operator==(const Empty&) const = default;
};

struct One {
  std::vector<int> only;
  bool operator==(const One&) const = default;
};

struct Tree {
  int value = 0;
  std::vector<Tree> kids;
  bool operator==(const Tree&) const = default;
};

struct Everything {
  bool flag = false;
  char letter = 0;
  std::int8_t i8 = 0;
  std::int16_t i16 = 0;
  std::int32_t i32 = 0;
  std::int64_t i64 = 0;
  std::uint8_t u8 = 0;
  std::uint16_t u16 = 0;
  std::uint32_t u32 = 0;
  std::uint64_t u64 = 0;
  float f32 = 0;
  double f64 = 0;
  std::string text;
  Side side = Side::buy;
  std::byte raw{};
  std::vector<std::byte> bytes;
  std::vector<std::uint8_t> octets;
  std::array<std::byte, 4> four{};
  std::array<std::string, 3> names;
  std::array<Line, 2> both;
  std::vector<bool> bits;
  std::vector<std::vector<int>> nested;
  std::map<std::string, int> map;
  std::unordered_map<int, std::string> hashed;
  std::set<std::pair<int, std::string>> set;
  std::unordered_set<std::string> hashed_set;
  std::pair<int, std::string> pair;
  std::tuple<> nothing;
  std::tuple<int, Line, bool> tuple;
  std::tuple<int, std::string, Line> another;
  std::optional<Line> maybe;
  std::optional<std::string> never;
  std::variant<std::monostate, int, Line> choice;
  std::variant<std::monostate, int, Line> blank;
  std::chrono::nanoseconds nanos{};
  std::chrono::hours hours{};
  std::chrono::duration<double> seconds{};
  Money money;
  Empty empty;
  One one;
  Tree tree;
  bool operator==(const Everything&) const = default;
};

struct Old {
  int a = 0;
  bool operator==(const Old&) const = default;
};
struct New {
  int a = 0;
  std::string b = "default";
  std::vector<int> c = {1, 2};
  Line d{"outer", 9, 9};
  bool operator==(const New&) const = default;
};

inline Everything everything() {
  Everything e;
  e.flag = true;
  e.letter = 'x';
  e.i8 = -128;
  e.i16 = -32768;
  e.i32 = std::numeric_limits<std::int32_t>::min();
  e.i64 = std::numeric_limits<std::int64_t>::min();
  e.u8 = 255;
  e.u16 = 65535;
  e.u32 = std::numeric_limits<std::uint32_t>::max();
  e.u64 = std::numeric_limits<std::uint64_t>::max();
  e.f32 = 1.5F;
  e.f64 = 0.1;
  e.text = std::string("bytes \0 \xff, not only UTF-8", 25);
  e.side = static_cast<Side>(200);
  e.raw = std::byte{9};
  e.bytes = {std::byte{0}, std::byte{255}};
  e.octets = {1, 2, 3};
  e.four = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  e.names = {"a", "", "c"};
  e.both = {Line{"x", 1, 2}, Line{"y", 3, 4}};
  e.bits = {true, false, true};
  e.nested = {{}, {1, 2}, {-3}};
  e.map = {{"", 0}, {"a", 1}, {"b", 2}};
  e.hashed = {{1, "one"}, {-1, "minus"}};
  e.set = {{1, "a"}, {1, "b"}};
  e.hashed_set = {"p", "q"};
  e.pair = {7, "seven"};
  e.tuple = {1, Line{"t", 2, 3}, true};
  e.maybe = Line{"m", 4, 5};
  e.choice = Line{"v", 6, 7};
  e.nanos = 123456789ns;
  e.hours = -5h;
  e.seconds = std::chrono::duration<double>(-1.25);
  e.money = Money(-99, Side::sell);
  e.one = {{1, 2, 3}};
  e.tree = {1, {{2, {}}, {3, {{4, {}}}}}};
  return e;
}

inline Bytes hex(std::string_view text) {
  Bytes out;
  int digits = 0;
  int value = 0;
  for (const char c : text) {
    if (c == ' ')
      continue;
    value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) {
      out.push_back(static_cast<std::byte>(value));
      value = 0;
    }
  }
  return out;
}

inline Bytes many(std::size_t count, std::string_view each) {
  const Bytes piece = hex(each);
  Bytes out;
  for (std::size_t i = 0; i < count; ++i)
    out.insert(out.end(), piece.begin(), piece.end());
  return out;
}

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

template <class T>
std::string refusal(const Bytes& body, const CodecLimits& limits = {}) {
  try {
    static_cast<void>(decode<T>(body, limits));
  } catch (const DecodeError& e) {
    EXPECT_LE(e.offset(), body.size());
    return e.what();
  }
  return "accepted";
}

template <class T>
std::string encode_refusal(const T& value, const CodecLimits& limits = {}) {
  try {
    static_cast<void>(encode(value, limits));
  } catch (const EncodeError& e) {
    return e.what();
  }
  return "accepted";
}

template <class T>
void expect_bytes(const T& value, std::string_view text) {
  EXPECT_EQ(encode(value), hex(text));
  EXPECT_EQ(decode<T>(hex(text)), value);
}

} // namespace
