// SPDX-License-Identifier: MIT
// ZAP's frames, the rules, and ranges of addresses.
#include "zap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access_table.hpp"
#include "address_range.hpp"

namespace grove::zmq::detail {
namespace {

using ::testing::ElementsAre;

Multipart frames(std::vector<std::string> texts) { return {texts.begin(), texts.end()}; }

std::vector<std::string> good() {
  return {"peer", "", "1.0", "id", "domain", "192.0.2.7", "me", "PLAIN", "user", "secret"};
}

TEST(ZapRequestTest, a_good_one_is_read) {
  const ZapRequest parsed = parse_zap_request(frames(good()));
  ASSERT_TRUE(parsed.request && parsed.reply_to);
  EXPECT_EQ(parsed.reply_to->peer.text(), "peer");
  EXPECT_EQ(parsed.reply_to->request_id.text(), "id");
  EXPECT_EQ(parsed.request->domain, "domain");
  EXPECT_EQ(parsed.request->address, "192.0.2.7");
  EXPECT_EQ(parsed.request->routing_id, "me");
  EXPECT_EQ(parsed.request->mechanism, "PLAIN");
  EXPECT_EQ(parsed.request->user, "user");
  EXPECT_EQ(parsed.request->password, "secret");
}

TEST(ZapRequestTest, credentials_are_those_of_the_mechanism) {
  const auto accepted = [](const char* mechanism, const std::vector<std::string>& credentials) {
    std::vector<std::string> all = good();
    all.resize(8);
    all[7] = mechanism;
    all.insert(all.end(), credentials.begin(), credentials.end());
    const ZapRequest parsed = parse_zap_request(frames(all));
    EXPECT_TRUE(parsed.reply_to.has_value()); // a refusal can be sent
    return parsed.request != nullptr;
  };
  EXPECT_TRUE(accepted("NULL", {}));
  EXPECT_FALSE(accepted("NULL", {"x"}));
  EXPECT_TRUE(accepted("PLAIN", {"", ""}));
  EXPECT_FALSE(accepted("PLAIN", {"user"}));
  EXPECT_FALSE(accepted("PLAIN", {"user", "secret", "more"}));
  EXPECT_FALSE(accepted("PLAIN", {"user", std::string(256, 'x')}));
  EXPECT_TRUE(accepted("CURVE", {std::string(32, '\0')}));
  EXPECT_FALSE(accepted("CURVE", {std::string(40, 'x')}));
  EXPECT_FALSE(accepted("CURVE", {std::string(31, 'x')}));
  EXPECT_FALSE(accepted("CURVE", {}));
  EXPECT_TRUE(accepted("GSSAPI", {"principal"})); // well-formed; the rules will deny it
}

TEST(ZapRequestTest, what_is_malformed_is_refused_if_there_is_somebody_to_tell) {
  const auto with = [](std::size_t index, const std::string& text) {
    std::vector<std::string> all = good();
    all.at(index) = text;
    return parse_zap_request(frames(all));
  };
  for (const ZapRequest& parsed :
       {with(2, "2.0"), with(2, ""), with(4, std::string(256, 'x')), with(6, std::string(256, 'x')),
        with(7, std::string(256, 'x'))}) {
    EXPECT_TRUE(parsed.reply_to.has_value());
    EXPECT_EQ(parsed.request, nullptr);
  }
  for (const ZapRequest& parsed :
       {with(0, ""), with(1, "no delimiter"), with(3, std::string(256, 'x'))}) {
    EXPECT_FALSE(parsed.reply_to.has_value());
    EXPECT_EQ(parsed.request, nullptr);
  }
  for (std::size_t size = 0; size < 8; ++size) {
    std::vector<std::string> all = good();
    all.resize(size);
    const ZapRequest parsed = parse_zap_request(frames(all));
    EXPECT_EQ(parsed.reply_to.has_value(), size >= 4) << size;
    EXPECT_EQ(parsed.request, nullptr) << size;
  }
}

TEST(ZapReplyTest, has_the_frames_of_the_specification) {
  const auto texts = [](ZapStatus status) {
    std::vector<std::string> result;
    for (const Message& part : zap_reply({Message("peer"), Message("id")}, status, "user"))
      result.emplace_back(part.text());
    return result;
  };
  EXPECT_THAT(texts(ZapStatus::ok), ElementsAre("peer", "", "1.0", "id", "200", "OK", "user", ""));
  EXPECT_THAT(texts(ZapStatus::denied),
              ElementsAre("peer", "", "1.0", "id", "400", "Access denied", "", ""));
  EXPECT_EQ(texts(ZapStatus::temporary).at(4), "300");
  EXPECT_EQ(texts(ZapStatus::internal).at(4), "500");
}

bool within(std::string_view range, std::string_view address) {
  const std::optional<AddressRange> parsed = AddressRange::parse(range);
  const std::optional<IpAddress> point = parse_address(address);
  EXPECT_TRUE(parsed.has_value()) << range;
  EXPECT_TRUE(point.has_value()) << address;
  return parsed && point && parsed->contains(*point);
}

TEST(AddressRangeTest, holds_what_begins_with_its_bits) {
  EXPECT_TRUE(within("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(within("192.0.2.7", "192.0.2.8"));
  EXPECT_TRUE(within("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(within("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(within("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(within("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(within("192.0.2.200/25", "192.0.2.129")); // the rest of its bits does not count
  EXPECT_TRUE(within("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(within("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(within("2001:db8::/32", "2001:db8:1::2"));
  EXPECT_FALSE(within("2001:db8::/32", "2001:db9::"));
  EXPECT_TRUE(within("::/0", "2001:db8::1"));
  EXPECT_TRUE(within("fe80::/10", "fe80::1%eth0"));
}

TEST(AddressRangeTest, ipv4_written_as_ipv6_is_the_same) {
  EXPECT_TRUE(within("192.0.2.0/24", "::ffff:192.0.2.7"));
  EXPECT_TRUE(within("::ffff:192.0.2.0/120", "192.0.2.7"));
  EXPECT_FALSE(within("192.0.2.0/24", "::ffff:192.0.3.7"));
}

TEST(AddressRangeTest, what_is_none_is_refused) {
  for (const char* text : {"", "/", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.4/", "1.2.3.4/33",
                           "1.2.3.4/-1", "1.2.3.4/8x", "1.2.3.4/ 8", "::1/129", "1.2.3.256", ":",
                           "1.2.3.4/99999999999999999999", " 1.2.3.4"}) {
    EXPECT_FALSE(AddressRange::parse(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0", 8)));
}

AuthRequest request(std::string mechanism, std::string address = "192.0.2.7") {
  AuthRequest result;
  result.mechanism = std::move(mechanism);
  result.address = std::move(address);
  return result;
}

TEST(AccessRulesTest, nobody_is_allowed_without_a_rule) {
  const AccessTable table;
  std::string user;
  for (const char* mechanism : {"NULL", "PLAIN", "CURVE", "GSSAPI", ""})
    EXPECT_EQ(table.judge(request(mechanism), user), Verdict::wrong_mechanism) << mechanism;
}

TEST(AccessRulesTest, addresses_come_first) {
  AccessTable table;
  table.anonymous = true;
  std::string user;
  const auto judge = [&](const char* address) {
    return table.judge(request("NULL", address), user);
  };
  EXPECT_EQ(judge("192.0.2.7"), Verdict::allowed);
  EXPECT_EQ(judge(""), Verdict::allowed); // ipc:// has none
  table.denied.push_back(*AddressRange::parse("192.0.2.0/24"));
  EXPECT_EQ(judge("192.0.2.7"), Verdict::wrong_address);
  EXPECT_EQ(judge("::ffff:192.0.2.7"), Verdict::wrong_address);
  EXPECT_EQ(judge("198.51.100.1"), Verdict::allowed);
  EXPECT_EQ(judge(""), Verdict::allowed);
  table.allowed.push_back(*AddressRange::parse("198.51.100.0/24"));
  EXPECT_EQ(judge("198.51.100.1"), Verdict::allowed);
  EXPECT_EQ(judge("203.0.113.1"), Verdict::wrong_address);
  EXPECT_EQ(judge(""), Verdict::wrong_address);
  EXPECT_EQ(judge("what is this"), Verdict::wrong_address);
  table.denied.push_back(*AddressRange::parse("198.51.100.1")); // denial wins
  EXPECT_EQ(judge("198.51.100.1"), Verdict::wrong_address);
}

TEST(AccessRulesTest, passwords_and_keys_name_the_user) {
  AccessTable table;
  table.passwords.emplace("ann", Secret("right"));
  table.passwords.emplace("bob", Secret(""));
  table.keys.emplace(std::string(40, 'k'), "carl");
  std::string user;
  AuthRequest plain = request("PLAIN");
  const auto judge = [&](const char* name, const char* password) {
    user.clear();
    plain.user = name;
    plain.password = password;
    return table.judge(plain, user);
  };
  EXPECT_EQ(judge("ann", "right"), Verdict::allowed);
  EXPECT_EQ(user, "ann");
  EXPECT_EQ(judge("ann", "wrong"), Verdict::wrong_credentials);
  EXPECT_EQ(judge("ann", ""), Verdict::wrong_credentials);
  EXPECT_EQ(judge("bob", ""), Verdict::allowed);
  EXPECT_EQ(judge("eve", "no password that counts"), Verdict::wrong_credentials);
  EXPECT_EQ(user, "");
  AuthRequest curve = request("CURVE");
  curve.public_key = std::string(40, 'k');
  EXPECT_EQ(table.judge(curve, user), Verdict::allowed);
  EXPECT_EQ(user, "carl");
  curve.public_key = std::string(40, 'l');
  EXPECT_EQ(table.judge(curve, user), Verdict::wrong_credentials);
  table.any_key = true;
  EXPECT_EQ(table.judge(curve, user), Verdict::allowed);
  EXPECT_EQ(user, curve.public_key);
}

} // namespace
} // namespace grove::zmq::detail
