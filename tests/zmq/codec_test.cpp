// SPDX-License-Identifier: MIT
// The codec: what goes in comes out, in the bytes other languages write.
#include "codec_values.hpp"

namespace {

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

} // namespace
