// SPDX-License-Identifier: MIT
// The codec: what is hostile does not come in.
#include "codec_values.hpp"

namespace {

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
