// SPDX-License-Identifier: MIT
// Addresses: texts, what is refused, equality.
#include <cstring>
#include <stdexcept>
#include <string>
#include <unordered_set>

#include <net/if.h>

#include <gtest/gtest.h>

#include <grove/net/address.hpp>

namespace grove::test {
namespace {

using net::Address;

TEST(Address, texts_are_read_and_written_alike) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:65535", "[2001:db8::7]:443",
                           "unix:/run/x.sock", "unix:relative", "unix:@name"}) {
    const Address address = Address::parse(text);
    EXPECT_EQ(address.to_string(), text);
    EXPECT_EQ(Address::from(address.data(), address.size()), address) << text;
  }
  EXPECT_EQ(Address::parse(":80"), Address::any(80));
  EXPECT_EQ(Address::parse("*:80").to_string(), "[::]:80");
  EXPECT_EQ(Address::loopback(5).to_string(), "127.0.0.1:5");
  EXPECT_EQ(Address::ip("::1", 7).host(), "::1");
  EXPECT_EQ(Address::unix_path("@x").host(), "@x");
}

TEST(Address, what_is_none_is_refused_with_the_text_and_the_reason) {
  const auto why = [](const char* text) -> std::string {
    try {
      return "taken as " + Address::parse(text).to_string();
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
  };
  EXPECT_EQ(why("localhost"), "grove: address \"localhost\": there is no port");
  EXPECT_EQ(why("1.2.3.4:65536"),
            "grove: address \"1.2.3.4:65536\": \"65536\" is no port from 0 to 65535");
  EXPECT_EQ(why("1.2.3.4:"), "grove: address \"1.2.3.4:\": \"\" is no port from 0 to 65535");
  EXPECT_EQ(why("1.2.3.4:+1"), "grove: address \"1.2.3.4:+1\": \"+1\" is no port from 0 to 65535");
  EXPECT_EQ(why("::1:80"),
            "grove: address \"::1:80\": an IPv6 address stands in brackets before its port");
  EXPECT_EQ(why("[1.2.3.4]:80"),
            "grove: address \"[1.2.3.4]:80\": only an IPv6 address stands in brackets");
  EXPECT_EQ(why("localhost:80"), "grove: address \"localhost:80\": \"localhost\" is no IP address "
                                 "(names: see resolve())");
  EXPECT_EQ(why("1.2.3:80"),
            "grove: address \"1.2.3:80\": \"1.2.3\" is no IP address (names: see resolve())");
  EXPECT_EQ(why("unix:"), "grove: address \"\": a Unix socket has a path, or a name behind '@'");
  EXPECT_THROW(Address::unix_path("@"), std::invalid_argument);
  EXPECT_THROW(Address::unix_path(std::string(108, 'p')), std::invalid_argument);
  EXPECT_THROW(Address::unix_path(std::string("a\0b", 3)), std::invalid_argument);
  EXPECT_THROW(Address::ip(std::string("127.0.0.1\0x", 11), 1), std::invalid_argument);
  EXPECT_THROW(Address::ip("fe80::1%no_such_interface", 1), std::invalid_argument);
  EXPECT_EQ(Address::unix_path(std::string(107, 'p')).host().size(), 107u);
}

// gevent C17
TEST(Address, an_ipv6_scope_is_kept) {
  const std::string name = "lo";
  const unsigned index = if_nametoindex(name.c_str());
  ASSERT_NE(index, 0u);
  const Address address = Address::parse("[fe80::1%lo]:80");
  EXPECT_EQ(reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_scope_id, index);
  EXPECT_EQ(address.to_string(), "[fe80::1%lo]:80");
  EXPECT_EQ(Address::ip("fe80::1%4000000", 1).host(), "fe80::1%4000000");
  EXPECT_NE(address, Address::parse("[fe80::1]:80"));
}

TEST(Address, none_is_of_no_family_and_has_no_port) {
  const Address none;
  EXPECT_EQ(none.family(), AF_UNSPEC);
  EXPECT_EQ(none.to_string(), "none");
  EXPECT_EQ(none.port(), 0);
  EXPECT_THROW(none.with_port(1), std::logic_error);
  EXPECT_THROW(Address::unix_path("x").with_port(1), std::logic_error);
  EXPECT_EQ(none, Address::from(nullptr, 0));
  sockaddr_un unbound{};
  unbound.sun_family = AF_UNIX;
  EXPECT_EQ(Address::from(reinterpret_cast<sockaddr*>(&unbound), sizeof(sa_family_t)), none);
  sockaddr strange{};
  strange.sa_family = AF_PACKET;
  EXPECT_THROW(Address::from(&strange, sizeof strange), std::invalid_argument);
  strange.sa_family = AF_INET6;
  EXPECT_THROW(Address::from(&strange, sizeof strange), std::invalid_argument);
}

TEST(Address, a_path_of_the_kernels_need_not_end_in_a_zero) {
  sockaddr_un full{};
  full.sun_family = AF_UNIX;
  std::memset(full.sun_path, 'p', sizeof full.sun_path);
  const Address address = Address::from(reinterpret_cast<sockaddr*>(&full), sizeof full - 1);
  EXPECT_EQ(address.host(), std::string(107, 'p'));
}

TEST(Address, equal_ones_have_equal_hashes) {
  std::unordered_set<Address> all;
  for (int i = 0; i < 2; ++i) {
    all.insert(Address::loopback(1));
    all.insert(Address::loopback(2));
    all.insert(Address::parse("[::1]:1"));
    all.insert(Address::unix_path("@a"));
    all.insert(Address::unix_path("a"));
    all.insert(Address());
  }
  EXPECT_EQ(all.size(), 6u);
}

TEST(Address, loopback_is_known_in_all_its_forms) {
  for (const char* host : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(Address::ip(host, 0).is_loopback()) << host;
  for (const char* host : {"128.0.0.1", "::", "::ffff:10.0.0.1", "fe80::1"})
    EXPECT_FALSE(Address::ip(host, 0).is_loopback()) << host;
  EXPECT_FALSE(Address::unix_path("x").is_loopback());
}

} // namespace
} // namespace grove::test
