// SPDX-License-Identifier: MIT
// Names before anybody is asked: what is one, hosts files, search domains, orders.
#include <algorithm>
#include <string>
#include <vector>

#include <grove/hub/greenlet.hpp>
#include <grove/net/resolver.hpp>

#include "../support/resolver_test.hpp"
#include "../support/temporary_file.hpp"
#include "address_order.hpp"
#include "name_servers.hpp"
#include "service_order.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::ResolveError;
using net::Resolver;
using net::ResolverOptions;
using net::Service;

class NameRulesTest : public HubTest {
protected:
  // Nobody is there to be asked.
  static ResolverOptions alone(const std::string& hosts_file = "") {
    ResolverOptions options;
    options.servers = {Address::loopback(1)};
    options.search = Texts{};
    options.hosts_file = hosts_file;
    return options;
  }
};

TEST_F(NameRulesTest, addresses_are_not_looked_up) { // gevent C17
  Resolver resolver(alone());
  EXPECT_EQ(texts(resolver.resolve("192.0.2.1", 80)), Texts{"192.0.2.1:80"});
  EXPECT_EQ(texts(resolver.resolve("::1", 80)), Texts{"[::1]:80"});
  EXPECT_EQ(texts(resolver.resolve("fe80::1%lo", 80)), Texts{"[fe80::1%lo]:80"});
  EXPECT_EQ(resolver.stats().lookups, 0U);
}

TEST_F(NameRulesTest, bad_names_are_refused_unasked) { // gevent C12
  Resolver resolver(alone());
  using std::literals::string_literals::operator""s;
  for (const std::string& name :
       {""s, "."s, "a..b"s, ".a"s, "a b"s, "a\0b"s, "a\nb"s, "caf\xc3\xa9.example"s, "127.1"s,
        "1.2.3.4.5"s, "0x7f000001"s, "256.1.1.1"s, "fe80::1%nosuchlink"s, "[::1]"s, "12345::"s,
        "a\\.b"s, std::string(64, 'a') + ".example", std::string(300, 'a'),
        std::string(63, 'a') + '.' + std::string(63, 'b') + '.' + std::string(63, 'c') + '.' +
            std::string(62, 'd')}) {
    try {
      resolver.resolve(name, 80);
      ADD_FAILURE() << name;
    } catch (const ResolveError& error) {
      EXPECT_EQ(error.reason(), ResolveError::Reason::bad_name) << error.what();
      for (const char c : std::string(error.what()))
        EXPECT_TRUE(c >= ' ' && c < 127) << name;
    }
  }
  EXPECT_EQ(resolver.stats().lookups, 0U);
  EXPECT_EQ(text_of<ResolveError>([&] { resolver.resolve("caf\xc3\xa9.example", 80); }),
            "resolve caf\\xc3\\xa9.example: not ASCII; write it in Punycode (xn--...)");
}

TEST_F(NameRulesTest, localhost_needs_no_server) {
  Resolver resolver(alone());
  for (const char* name : {"localhost", "LOCALHOST.", "db.localhost"}) {
    EXPECT_EQ(sorted(texts(resolver.resolve(name, 80))), (Texts{"127.0.0.1:80", "[::1]:80"}))
        << name;
  }
}

TEST_F(NameRulesTest, a_hosts_file_comes_first_and_is_read_again) {
  const TemporaryFile file("# a comment\n"
                           "192.0.2.1  Db.example db # its short name\n"
                           "\t192.0.2.2\tdb\r\n"
                           "192.0.2.1 db\n"
                           "no-address here\n"
                           "127.0.0.9 localhost\n"
                           "fe80::1%nosuchlink linklocal\n");
  Resolver resolver(alone(file.path()));
  EXPECT_EQ(texts(resolver.resolve("db.EXAMPLE", 80)), Texts{"192.0.2.1:80"});
  EXPECT_EQ(texts(resolver.resolve("db.example.", 80)), Texts{"192.0.2.1:80"});
  EXPECT_EQ(resolver.resolve("db", 80).size(), 2U);
  EXPECT_EQ(texts(resolver.resolve("localhost", 80)), Texts{"127.0.0.9:80"});
  EXPECT_THROW(resolver.resolve("here", 80), ResolveError);
  file.put("192.0.2.77 db.example\n");
  EXPECT_EQ(texts(resolver.resolve("db.example", 80)), Texts{"192.0.2.77:80"});
  EXPECT_THROW(resolver.resolve("db", 80), ResolveError);
}

TEST_F(NameRulesTest, short_names_are_looked_for_under_each_domain) {
  DnsServer server;
  server.host("db.second.example", "192.0.2.7");
  ResolverOptions options = alone();
  options.servers = {server.address()};
  options.search = Texts{"first.example", "second.example."};
  Resolver resolver(options);
  EXPECT_EQ(texts(resolver.resolve("db", 80, 30s)), Texts{"192.0.2.7:80"});
  EXPECT_EQ(server.names(), (Texts{"db.first.example", "db.second.example"}));
  EXPECT_THROW(resolver.resolve("db.", 80, 30s), ResolveError);
  EXPECT_EQ(server.names().back(), "db");
  EXPECT_THROW(resolver.resolve("a.b", 80, 30s), ResolveError);
  const Texts all = server.names();
  EXPECT_EQ(Texts(all.end() - 3, all.end()),
            (Texts{"a.b", "a.b.first.example", "a.b.second.example"}));
}

TEST_F(NameRulesTest, a_failing_server_ends_the_search) {
  DnsServer server;
  server.fails("db.first.example", dns::servfail);
  server.host("db.second.example", "192.0.2.7");
  ResolverOptions options = alone();
  options.servers = {server.address()};
  options.search = Texts{"first.example", "second.example"};
  Resolver resolver(options);
  EXPECT_THROW(resolver.resolve("db", 80, 30s), ResolveError);
  EXPECT_EQ(server.questions("db.second.example"), 0U);
}

TEST_F(NameRulesTest, resolv_conf_is_read_and_read_again) {
  DnsServer server;
  server.host("db.inner.example", "192.0.2.1");
  server.host("db.outer.example", "192.0.2.2");
  const TemporaryFile file("search inner.example\noptions ndots:1 timeout:7 attempts:1\n");
  ResolverOptions options;
  options.servers = {server.address()};
  options.hosts_file = "";
  options.cache_size = 0;
  options.resolv_conf = file.path();
  Resolver resolver(options);
  EXPECT_EQ(texts(resolver.resolve("db", 80, 30s)), Texts{"192.0.2.1:80"});
  file.put("nameserver 192.0.2.53\nsearch outer.example\n");
  EXPECT_EQ(texts(resolver.resolve("db", 80, 30s)), Texts{"192.0.2.2:80"});

  options.servers.clear();
  const auto read = net::detail::name_server_settings(options);
  EXPECT_EQ(texts(read.servers), Texts{"192.0.2.53:53"});
  EXPECT_EQ(read.search, Texts{"outer.example"});
  file.put("options ndots:3 timeout:7 attempts:2\n");
  const auto others = net::detail::name_server_settings(options);
  EXPECT_EQ(others.ndots, 3U);
  EXPECT_EQ(others.timeout, 7s);
  EXPECT_EQ(others.tries, 2U);
}

TEST_F(NameRulesTest, bad_options_are_refused) {
  const auto refuses = [](auto change) {
    ResolverOptions options = alone();
    change(options);
    EXPECT_THROW(Resolver{options}, std::invalid_argument);
  };
  refuses([](auto& o) { o.servers = {Address::unix_path("/x")}; });
  refuses([](auto& o) { o.timeout = 0ms; });
  refuses([](auto& o) { o.tries = 0; });
  refuses([](auto& o) { o.max_ttl = -1s; });
}

// -- orders ---------------------------------------------------------------------------------------

// The examples of RFC 6724, section 10.2: destination from source, in the expected order.
TEST(AddressOrder, examples_of_the_rfc) {
  const auto in_order = [](std::vector<std::pair<std::string, std::string>> pairs) {
    std::vector<net::detail::Destination> all;
    for (const auto& [to, from] : pairs)
      all.push_back(
          {Address::ip(to, 0), from.empty() ? std::nullopt : std::optional(Address::ip(from, 0))});
    sort_destinations(all);
    Texts order;
    for (const auto& one : all)
      order.push_back(one.to.host());
    return order;
  };
  // scope
  EXPECT_EQ(in_order({{"198.51.100.121", "169.254.13.78"}, {"2001:db8:1::1", "2001:db8:1::2"}}),
            (Texts{"2001:db8:1::1", "198.51.100.121"}));
  EXPECT_EQ(in_order({{"2001:db8:1::1", "fe80::1"}, {"198.51.100.121", "198.51.100.117"}}),
            (Texts{"198.51.100.121", "2001:db8:1::1"}));
  // precedence
  EXPECT_EQ(in_order({{"10.1.2.3", "10.1.2.4"}, {"2001:db8:1::1", "2001:db8:1::2"}}),
            (Texts{"2001:db8:1::1", "10.1.2.3"}));
  // smaller scope
  EXPECT_EQ(in_order({{"2001:db8:1::1", "2001:db8:1::2"}, {"fe80::1", "fe80::2"}}),
            (Texts{"fe80::1", "2001:db8:1::1"}));
  // label
  EXPECT_EQ(in_order({{"2002:c633:6401::1", "2002:c633:6401::2"}, {"2001:db8:1::1", "fe80::1"}}),
            (Texts{"2002:c633:6401::1", "2001:db8:1::1"}));
  // longest prefix
  EXPECT_EQ(in_order({{"2001:db8:3ffe::1", "2001:db8:1::2"}, {"2001:db8:1::1", "2001:db8:1::2"}}),
            (Texts{"2001:db8:1::1", "2001:db8:3ffe::1"}));
  // no route
  EXPECT_EQ(in_order({{"2001:db8:1::1", ""}, {"10.1.2.3", "10.1.2.4"}}),
            (Texts{"10.1.2.3", "2001:db8:1::1"}));
  // nothing tells IPv4 addresses apart: a server's rotation stays
  EXPECT_EQ(in_order({{"10.9.9.9", "10.1.2.4"}, {"10.1.2.3", "10.1.2.4"}}),
            (Texts{"10.9.9.9", "10.1.2.3"}));
}

TEST(ServiceOrder, by_priority_and_drawn_by_weight) {
  const std::vector<Service> all = {
      {"c", 1, 20, 100}, {"a", 1, 10, 1}, {"b", 1, 10, 3}, {"z", 1, 10, 0}};
  const auto order = [&](std::uint64_t drawn) {
    std::vector<Service> services = all;
    net::detail::order_services(services, [&] { return drawn; });
    std::string names;
    for (const Service& one : services)
      names += one.host;
    return names;
  };
  EXPECT_EQ(order(0), "zabc"); // 0 of 0..4 falls to the one of weight 0
  EXPECT_EQ(order(1), "abzc");
  EXPECT_EQ(order(4), "bzac");

  std::uint64_t state = 1;
  int b_before_a = 0;
  for (int i = 0; i < 4000; ++i) {
    std::vector<Service> services = {all[1], all[2]};
    net::detail::order_services(services, [&] {
      return (state = state * 6364136223846793005U + 1442695040888963407U) >> 33;
    });
    b_before_a += services[0].host == "b" ? 1 : 0;
  }
  EXPECT_GT(b_before_a, 2000); // weights 3 to 1, and one more chance for the first in line
  EXPECT_LT(b_before_a, 3600);
}

} // namespace
} // namespace grove::test
