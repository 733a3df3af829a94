// SPDX-License-Identifier: MIT
// The codec: what goes in comes out, in the bytes other languages write; what is hostile does not.
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

Everything everything() {
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

Bytes hex(std::string_view text) {
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

Bytes many(std::size_t count, std::string_view each) {
  const Bytes piece = hex(each);
  Bytes out;
  for (std::size_t i = 0; i < count; ++i)
    out.insert(out.end(), piece.begin(), piece.end());
  return out;
}

Bytes operator+(Bytes a, const Bytes& b) {
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

// -- round trips and bytes -------------------------------------------------------------------

TEST(Codec, every_kind_of_field_comes_back) {
  const Everything sent = everything();
  EXPECT_EQ(decode<Everything>(encode(sent)), sent);
  EXPECT_EQ(decode<Everything>(encode(Everything{})), Everything{});
}

TEST(Codec, integers_are_written_in_the_fewest_bytes) {
  expect_bytes(0, "00");
  expect_bytes(127, "7f");
  expect_bytes(128, "cc80");
  expect_bytes(256, "cd0100");
  expect_bytes(65536, "ce00010000");
  expect_bytes(std::uint64_t{1} << 32, "cf0000000100000000");
  expect_bytes(std::numeric_limits<std::uint64_t>::max(), "cfffffffffffffffff");
  expect_bytes(-1, "ff");
  expect_bytes(-32, "e0");
  expect_bytes(-33, "d0df");
  expect_bytes(-129, "d1ff7f");
  expect_bytes(-32769, "d2ffff7fff");
  expect_bytes(std::numeric_limits<std::int64_t>::min(), "d38000000000000000");
}

TEST(Codec, integers_are_read_in_any_width) {
  for (const auto* seven : {"07", "cc07", "cd0007", "ce00000007", "cf0000000000000007", "d007",
                            "d10007", "d200000007", "d30000000000000007"}) {
    EXPECT_EQ(decode<std::int8_t>(hex(seven)), 7) << seven;
    EXPECT_EQ(decode<std::uint64_t>(hex(seven)), 7U) << seven;
    EXPECT_EQ(decode<double>(hex(seven)), 7.0) << seven;
  }
}

TEST(Codec, other_kinds_are_written_as_the_format_has_them) {
  expect_bytes(true, "c3");
  expect_bytes(false, "c2");
  expect_bytes(1.5F, "ca3fc00000");
  expect_bytes(0.1, "cb3fb999999999999a");
  expect_bytes(3.0, "cb4008000000000000");
  expect_bytes(-0.0F, "ca80000000");
  EXPECT_TRUE(std::signbit(decode<double>(encode(-0.0))));
  expect_bytes(std::string(), "a0");
  expect_bytes(std::string("abc"), "a3616263");
  expect_bytes(Bytes{std::byte{1}}, "c40101");
  expect_bytes(std::vector<std::uint8_t>{}, "c400");
  expect_bytes(std::array<std::uint8_t, 2>{1, 2}, "c4020102");
  expect_bytes(std::vector<int>{1, 2}, "920102");
  expect_bytes(std::map<std::string, int>{{"a", 1}, {"b", 2}}, "82a16101a16202");
  expect_bytes(std::set<int>{3, 1}, "920103");
  expect_bytes(std::optional<int>{}, "c0");
  expect_bytes(std::optional<int>{5}, "05");
  expect_bytes(std::variant<std::monostate, std::string>{}, "9200c0");
  expect_bytes(std::variant<int, std::string>{"a"}, "9201a161");
  expect_bytes(Side::sell, "01");
  expect_bytes(std::chrono::milliseconds(1), "ce000f4240");
  expect_bytes(Empty{}, "90");
  expect_bytes(Money(1, Side::sell), "920101");
  expect_bytes(Order{7, "ann", {{"pen", 1.5, 2}}, std::nullopt},
               "9407a3616e6e9193a370656ecb3ff800000000000002c0");
}

TEST(Codec, sizes_are_written_in_the_fewest_bytes) {
  const auto starts = [](const Bytes& body, std::string_view head) {
    const Bytes want = hex(head);
    return std::equal(want.begin(), want.end(), body.begin());
  };
  EXPECT_TRUE(starts(encode(std::string(31, 'a')), "bf61"));
  EXPECT_TRUE(starts(encode(std::string(32, 'a')), "d920"));
  EXPECT_TRUE(starts(encode(std::string(256, 'a')), "da0100"));
  EXPECT_TRUE(starts(encode(std::string(65536, 'a')), "db00010000"));
  EXPECT_TRUE(starts(encode(Bytes(256)), "c50100"));
  EXPECT_TRUE(starts(encode(Bytes(65536)), "c600010000"));
  EXPECT_TRUE(starts(encode(std::vector<int>(15)), "9f"));
  EXPECT_TRUE(starts(encode(std::vector<int>(16)), "dc0010"));
  EXPECT_TRUE(starts(encode(std::vector<int>(65536)), "dd00010000"));
  std::map<int, int> map;
  for (int i = 0; i < 70'000; ++i)
    map[i] = i;
  EXPECT_TRUE(starts(encode(map), "df00011170"));
  EXPECT_EQ((decode<std::map<int, int>>(encode(map))), map);
  EXPECT_EQ(decode<std::string>(encode(std::string(65536, 'a'))).size(), 65536U);
  EXPECT_EQ(decode<std::vector<int>>(encode(std::vector<int>(65536, 3)))[65535], 3);
}

TEST(Codec, a_buffer_is_appended_to_and_restored_on_error) {
  Bytes out;
  encode_to(1, out);
  encode_to(std::string("a"), out);
  EXPECT_EQ(out, hex("01a161"));
  EXPECT_THROW(encode_to(std::vector<int>(100), out, CodecLimits{.max_bytes = 50}), EncodeError);
  EXPECT_EQ(out, hex("01a161"));
}

// -- compatibility ---------------------------------------------------------------------------

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

// actors 165, 166
TEST(Codec, missing_fields_keep_their_initialisers) {
  EXPECT_EQ(decode<New>(encode(Old{5})), (New{.a = 5}));
  EXPECT_EQ(decode<New>(hex("90")), New{});
  EXPECT_EQ(decode<std::vector<New>>(hex("92910190")).size(), 2U);
}

// actors 166
TEST(Codec, further_elements_are_passed_over) {
  EXPECT_EQ(decode<Old>(encode(New{.a = 6})), Old{6});
  EXPECT_EQ(decode<Old>(hex("9d 06 c0 c2 c3 cd0001 ca00000000 cb0000000000000000 a0 a161 c400 "
                            "c40101 9190 8101a161")),
            Old{6});
  EXPECT_EQ(decode<std::vector<Old>>(hex("92 920190 9202c0")), (std::vector<Old>{{1}, {2}}));
  EXPECT_EQ(decode<Empty>(hex("91 93010203")), Empty{});
}

TEST(Codec, present_fields_replace_their_initialisers) {
  EXPECT_EQ(decode<New>(hex("94 01 a0 9103 93a0cb000000000000000000")),
            (New{1, "", {3}, {"", 0, 0}}));
  EXPECT_EQ(decode<New>(hex("94 01 a0 90 91a178")).d, (Line{"x", 9, 9}))
      << "a short nested struct keeps what the outer initialiser gave";
}

TEST(Codec, classes_with_fields_follow_the_same_rules) {
  EXPECT_EQ(decode<Money>(hex("9103")), Money(3, Side::buy));
  EXPECT_EQ(decode<Money>(hex("930301c0")), Money(3, Side::sell));
}

TEST(Codec, floats_take_what_other_languages_write) {
  EXPECT_EQ(decode<double>(hex("ca3fc00000")), 1.5);
  EXPECT_EQ(decode<float>(hex("cb3ff8000000000000")), 1.5F);
  EXPECT_EQ(decode<double>(hex("cf0020000000000000")), 0x1p53);
  EXPECT_EQ(decode<float>(hex("e0")), -32.0F);
  EXPECT_EQ(refusal<double>(hex("cf0020000000000001")),
            "decode double: expected float, or an integer that one holds exactly, found integer "
            "9007199254740993 at byte 0");
  EXPECT_EQ(refusal<float>(hex("cb7fefffffffffffff")),
            "decode float: expected float of 32 bits, found a larger one at byte 0");
}

TEST(Codec, nan_and_infinity_are_ordinary_values) {
  EXPECT_TRUE(std::isnan(decode<double>(encode(std::nan("")))));
  EXPECT_TRUE(std::isnan(decode<float>(encode(std::nan("")))));
  EXPECT_TRUE(std::isinf(decode<float>(encode(-std::numeric_limits<double>::infinity()))));
}

TEST(Codec, durations_are_nanoseconds) {
  EXPECT_EQ(decode<std::chrono::nanoseconds>(encode(2s)), 2s);
  EXPECT_EQ(decode<std::chrono::seconds>(encode(2000ms)), 2s);
  EXPECT_EQ(refusal<std::chrono::seconds>(encode(1500ms)).substr(0, 8), "decode s");
  EXPECT_NE(refusal<std::chrono::seconds>(encode(1500ms))
                .find("expected nanoseconds that the duration's unit can hold, found 1500000000"),
            std::string::npos);
  EXPECT_NE((refusal<std::chrono::duration<std::int8_t>>(encode(128s))), "accepted");
  EXPECT_NE(encode_refusal(std::chrono::hours::max()).find("outside of 64 bit nanoseconds"),
            std::string::npos);
  EXPECT_NE(encode_refusal(std::chrono::hours::min()), "accepted");
  EXPECT_NE(encode_refusal(std::chrono::duration<double>(1e30)), "accepted");
  EXPECT_NE(encode_refusal(std::chrono::duration<double>(std::nan(""))), "accepted");
  using FloatNanos = std::chrono::duration<float, std::nano>;
  EXPECT_NE(refusal<FloatNanos>(hex("cf7fffffffffffffff")), "accepted")
      << "it rounds to what cannot be encoded again";
  EXPECT_EQ(decode<std::chrono::nanoseconds>(encode(std::chrono::nanoseconds::min())),
            std::chrono::nanoseconds::min());
}

// -- refusals --------------------------------------------------------------------------------

TEST(Codec, errors_name_the_field_and_the_byte) {
  const Bytes body = hex("94 07 a3616e6e 92 93a161cb000000000000000001 93a162a163 01 c0");
  EXPECT_EQ(refusal<Order>(body),
            "decode Order.lines[1].price: expected float, found str at byte 23");
  try {
    static_cast<void>(decode<Order>(body));
    FAIL();
  } catch (const DecodeError& e) {
    EXPECT_EQ(e.offset(), 23U);
  }
  EXPECT_EQ(refusal<Order>(hex("a161")), "decode Order: expected array, found str at byte 0");
  EXPECT_EQ(refusal<Money>(hex("9201a161")),
            "decode Money[1]: expected integer, found str at byte 2");
  EXPECT_EQ(refusal<Old>(hex("9201c1")),
            "decode Old[1]: expected a value, found the invalid byte 0xc1 at byte 2");
}

struct Keyed {
  std::map<std::string, Line> by_name;
  std::tuple<int, std::pair<int, bool>> pairs;
  std::variant<int, Line> choice;
};

TEST(Codec, errors_name_keys_values_and_alternatives) {
  EXPECT_EQ(refusal<Keyed>(hex("91 820190")),
            "decode Keyed.by_name: expected map of 2, found only 2 bytes for it at byte 1");
  EXPECT_EQ(refusal<Keyed>(hex("91 810190")),
            "decode Keyed.by_name[0].key: expected str, found integer 1 at byte 2");
  EXPECT_EQ(refusal<Keyed>(hex("91 81a161 91c0")),
            "decode Keyed.by_name[0].value.item: expected str, found nil at byte 5");
  EXPECT_EQ(refusal<Keyed>(hex("92 80 9201920102")),
            "decode Keyed.pairs[1][1]: expected bool, found integer 2 at byte 6");
  EXPECT_EQ(refusal<Keyed>(hex("93 80 92019201c2 92 01 91c2")),
            "decode Keyed.choice[1].item: expected str, found bool at byte 10");
}

TEST(Codec, each_kind_refuses_the_others) {
  const std::map<std::string, std::function<std::string(const Bytes&, const CodecLimits&)>>
      readers = {{"nil", refusal<std::monostate>},
                 {"bool", refusal<bool>},
                 {"integer", refusal<std::uint8_t>},
                 {"str", refusal<std::string>},
                 {"bin", refusal<Bytes>},
                 {"array", refusal<std::vector<std::monostate>>},
                 {"map", refusal<std::map<int, int>>}};
  const std::map<std::string, std::string> bodies = {
      {"nil", "c0"},     {"bool", "c2"},       {"integer", "05"}, {"float", "ca00000000"},
      {"str", "a0"},     {"bin", "c400"},      {"array", "90"},   {"map", "80"},
      {"ext", "d40100"}, {"ext8", "c7000100"}, {"c1", "c1"}};
  for (const auto& [kind, read] : readers)
    for (const auto& [found, body] : bodies) {
      if (kind == found)
        EXPECT_EQ(read(hex(body), {}), "accepted") << kind;
      else
        EXPECT_NE(read(hex(body), {}).find(found == "c1" ? "0xc1" : kind), std::string::npos)
            << kind << " " << found;
    }
}

// actors 165, 166
TEST(Codec, integers_are_checked_against_the_range_of_the_field) {
  EXPECT_EQ(refusal<std::uint8_t>(hex("cd0100")),
            "decode unsigned char: expected integer from 0 to 255, found integer 256 at byte 0");
  EXPECT_EQ(refusal<std::int8_t>(hex("d17fff")),
            "decode signed char: expected integer from -128 to 127, found integer 32767 at byte 0");
  EXPECT_NE(refusal<std::int8_t>(hex("d1ff7f")), "accepted");
  EXPECT_NE(refusal<std::uint64_t>(hex("ff")), "accepted");
  EXPECT_NE(refusal<std::int64_t>(hex("cf8000000000000000")), "accepted");
  EXPECT_NE(refusal<Side>(hex("cd0100")), "accepted");
  EXPECT_EQ(decode<Side>(hex("ccff")), static_cast<Side>(255)) << "enumerators are not known";
}

TEST(Codec, wrong_arity_is_refused_where_it_is_fixed) {
  EXPECT_EQ((refusal<std::array<int, 2>>(hex("93010203"))).substr(7 + 18),
            ": expected array of 2, found one of 3 at byte 0");
  EXPECT_NE((refusal<std::pair<int, int>>(hex("9101"))), "accepted");
  EXPECT_NE((refusal<std::tuple<int>>(hex("920101"))), "accepted");
  EXPECT_NE((refusal<std::variant<int>>(hex("9100"))), "accepted");
  EXPECT_NE((refusal<std::variant<int>>(hex("930000c0"))), "accepted");
  EXPECT_NE((refusal<std::variant<int>>(hex("920100"))), "accepted");
  EXPECT_NE((refusal<std::variant<int>>(hex("92ff00"))), "accepted");
  EXPECT_NE((refusal<std::array<std::uint8_t, 2>>(hex("c40101"))), "accepted");
}

TEST(Codec, trailing_bytes_are_refused) {
  EXPECT_EQ(refusal<int>(hex("01c0c0")),
            "decode int: expected the end of the body, found 2 bytes more at byte 1");
}

TEST(Codec, a_body_cut_anywhere_is_refused) {
  const Bytes whole = encode(everything());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_NE(refusal<Everything>(cut), "accepted") << size;
    ASSERT_NE(refusal<Empty>(hex("91") + cut), "accepted") << "while passing over it: " << size;
  }
  EXPECT_EQ(refusal<int>({}), "decode int: expected integer, found the end of the body at byte 0");
}

TEST(Codec, duplicate_keys_are_refused) {
  using Map = std::map<std::string, int>;
  EXPECT_NE(refusal<Map>(hex("82a16101a16102"))
                .find("[1].key: expected a key that was not there "
                      "yet, found a duplicate at byte 4"),
            std::string::npos);
  EXPECT_NE((refusal<std::unordered_map<int, int>>(hex("8201010102"))), "accepted");
  EXPECT_NE((refusal<std::unordered_map<int, int>>(hex("820101cc0102"))), "accepted");
  EXPECT_NE(refusal<std::set<int>>(hex("920101")), "accepted");
  EXPECT_NE((refusal<std::map<double, int>>(hex("82ca0000000000ca8000000000"))), "accepted")
      << "0 and -0 are one key";
}

TEST(Codec, nan_is_no_key) {
  EXPECT_NE((refusal<std::map<double, int>>(hex("81cb7ff800000000000001"))).find("found NaN"),
            std::string::npos);
  EXPECT_NE((refusal<std::map<float, int>>(hex("81cb7ff800000000000001"))), "accepted");
  EXPECT_NE((refusal<std::map<float, int>>(hex("81ca7fc0000001"))), "accepted");
  EXPECT_NE((refusal<std::set<std::pair<int, double>>>(hex("919201cb7ff8000000000000"))),
            "accepted");
  EXPECT_EQ((refusal<std::map<int, double>>(hex("8101cb7ff8000000000000"))), "accepted");
  EXPECT_NE(encode_refusal(std::map<double, int>{{std::nan(""), 1}}).find("NaN as a key"),
            std::string::npos);
}

TEST(Codec, ext_types_are_refused_also_where_passed_over) {
  for (const auto* ext : {"d40100", "d5010000", "d60100000000", "d7010000000000000000",
                          "d80100000000000000000000000000000000", "c70101ff", "c8000101ff",
                          "c90000000101ff", "c7000100"}) {
    EXPECT_NE(refusal<int>(hex(ext)), "accepted") << ext;
    EXPECT_NE(refusal<Empty>(hex("91") + hex(ext)).find("ext"), std::string::npos) << ext;
  }
}

// -- limits: reliability 30 ------------------------------------------------------------------

TEST(Codec, counts_without_the_bytes_for_them_are_refused) {
  EXPECT_NE(refusal<std::vector<Order>>(hex("ddffffffff9090909090")).find("max_elements"),
            std::string::npos);
  const CodecLimits open{.max_elements = std::numeric_limits<std::size_t>::max()};
  EXPECT_NE(refusal<std::vector<Order>>(hex("ddffffffff9090909090"), open)
                .find("expected array of 4294967295, found only 5 bytes for it"),
            std::string::npos);
  EXPECT_NE((refusal<std::map<int, int>>(hex("dfffffffff0102030405"), open)), "accepted");
  EXPECT_NE((refusal<std::unordered_map<int, int>>(hex("dfffffffff0102030405"), open)), "accepted");
  EXPECT_NE(refusal<std::string>(hex("dbffffffff6161")), "accepted");
  EXPECT_NE(refusal<Bytes>(hex("c6ffffffff6161")), "accepted");
  EXPECT_NE(refusal<Empty>(hex("91ddffffffff9090"), open), "accepted");
  EXPECT_NE(refusal<Empty>(hex("91dfffffffff9090"), open), "accepted");
}

TEST(Codec, a_deep_body_is_refused_without_recursion) {
  EXPECT_NE(refusal<Tree>(many(1'000'000, "9200") + many(1'000'000, "91")), "accepted");
  EXPECT_NE(refusal<Tree>(many(1'000'000, "920091")).find("max_depth = 32 levels, found one more"),
            std::string::npos);
  EXPECT_NE(refusal<Empty>(many(1'000'000, "91")).find("max_depth"), std::string::npos);
  EXPECT_NE(refusal<Empty>(hex("91") + many(1'000'000, "81")).find("max_depth"), std::string::npos);
  EXPECT_EQ(refusal<Empty>(many(31, "91") + hex("90")), "accepted");
  EXPECT_NE(refusal<Empty>(many(32, "91") + hex("90")), "accepted");
}

Tree chain(int levels) {
  Tree tree;
  for (int i = 1; i < levels; ++i) {
    Tree up;
    up.kids.push_back(std::move(tree));
    tree = std::move(up);
  }
  return tree;
}

TEST(Codec, depth_is_limited_in_both_directions) {
  EXPECT_EQ(decode<Tree>(encode(chain(16))), chain(16));
  EXPECT_EQ(encode_refusal(chain(17)), "encode Tree: deeper than max_depth = 32");
  const CodecLimits deeper{.max_depth = 34};
  EXPECT_EQ(decode<Tree>(encode(chain(17), deeper), deeper), chain(17));
  EXPECT_NE(refusal<Tree>(encode(chain(17), deeper)), "accepted");
}

TEST(Codec, size_is_limited_in_both_directions) {
  const CodecLimits small{.max_bytes = 8};
  EXPECT_EQ(refusal<std::string>(encode(std::string(8, 'a')), small),
            refusal<std::string>(Bytes(9), small));
  EXPECT_EQ(decode<std::string>(encode(std::string(7, 'a'), small), small), "aaaaaaa");
  EXPECT_NE(encode_refusal(std::string(8, 'a'), small).find("more than max_bytes = 8"),
            std::string::npos);
  EXPECT_NE(encode_refusal(std::string(9, 'a'), small), "accepted");
  EXPECT_NE(encode_refusal(Bytes(9), small), "accepted");
}

TEST(Codec, element_count_is_limited_in_both_directions) {
  const CodecLimits few{.max_elements = 3};
  EXPECT_EQ(decode<std::vector<int>>(encode(std::vector<int>(3), few), few).size(), 3U);
  EXPECT_NE(refusal<std::vector<int>>(hex("9401020304"), few).find("max_elements = 3, found 4"),
            std::string::npos);
  EXPECT_NE(refusal<Empty>(hex("919401020304"), few).find("max_elements"), std::string::npos);
  EXPECT_NE(encode_refusal(std::vector<int>(4), few).find("max_elements"), std::string::npos);
}

TEST(Codec, memory_is_limited_whatever_a_byte_expands_to) {
  // A byte, 0x90, is an Everything of over a kilobyte.
  const CodecLimits limits{.max_memory = 100 * sizeof(Everything)};
  EXPECT_EQ(decode<std::vector<Everything>>(hex("dc0064") + many(100, "90"), limits).size(), 100U);
  EXPECT_NE(
      refusal<std::vector<Everything>>(hex("dc0065") + many(101, "90"), limits).find("max_memory"),
      std::string::npos);
  using Twice = std::vector<std::vector<Everything>>;
  EXPECT_NE(
      refusal<Twice>(hex("92dc0032") + many(50, "90") + hex("dc0032") + many(50, "90"), limits)
          .find("max_memory"),
      std::string::npos)
      << "what the inner ones take adds up";
}

TEST(Codec, keys_chosen_to_collide_are_refused) {
  // libstdc++ hashes an integer to itself, into the bucket of its remainder.
  std::unordered_map<int, int> probe;
  probe.reserve(1000);
  const int buckets = static_cast<int>(probe.bucket_count());
  std::map<int, int> bad;
  std::map<int, int> good;
  for (int i = 0; i < 1000; ++i) {
    bad[i * buckets] = i;
    good[i * 2] = i;
  }
  EXPECT_NE((refusal<std::unordered_map<int, int>>(encode(bad))).find("hashes"), std::string::npos);
  EXPECT_EQ((refusal<std::unordered_map<int, int>>(encode(good))), "accepted");
}

// -- random ----------------------------------------------------------------------------------

TEST(Codec, mutated_bodies_are_refused_or_read_soundly) {
  std::mt19937 random(20240607); // NOLINT: the same bodies each time
  const Bytes whole = encode(everything());
  const CodecLimits limits{.max_memory = 1u << 20};
  int accepted = 0;
  for (int round = 0; round < 5000; ++round) {
    Bytes body = whole;
    for (std::uint32_t i = 0, n = 1 + random() % 4; i < n; ++i) {
      const auto at = static_cast<std::ptrdiff_t>(random() % body.size());
      switch (random() % 4) {
      case 0:
        body[static_cast<std::size_t>(at)] = static_cast<std::byte>(random());
        break;
      case 1:
        body[static_cast<std::size_t>(at)] ^= std::byte{1} << (random() % 8);
        break;
      case 2:
        body.insert(body.begin() + at, static_cast<std::byte>(random()));
        break;
      default:
        if (body.size() > 1)
          body.erase(body.begin() + at);
      }
    }
    try {
      const auto read = decode<Everything>(body, limits);
      const Bytes again = encode(read);
      ASSERT_EQ(encode(decode<Everything>(again)).size(), again.size()); // hashed order may differ
      ++accepted;
    } catch (const DecodeError& e) {
      ASSERT_LE(e.offset(), body.size());
    }
  }
  EXPECT_GT(accepted, 100) << "the mutations are too rough to test anything but refusal";
}

TEST(Codec, noise_is_refused_or_read_soundly) {
  std::mt19937 random(4);
  for (int round = 0; round < 5000; ++round) {
    Bytes body(random() % 64);
    for (auto& byte : body)
      byte = static_cast<std::byte>(random());
    static_cast<void>(refusal<Order>(body));
    static_cast<void>(refusal<Everything>(hex("9f") + body));
    static_cast<void>(refusal<Empty>(hex("91") + body));
  }
}

} // namespace
