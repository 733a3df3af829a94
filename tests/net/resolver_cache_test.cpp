// SPDX-License-Identifier: MIT
// What a Resolver keeps, and for how long.
#include <string>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/net/resolver.hpp>

#include "../support/resolver_test.hpp"

namespace grove::test {
namespace {

using net::Resolver;
using net::ResolverOptions;

class ResolverCacheTest : public ResolverTest {};

TEST_F(ResolverCacheTest, an_answer_is_asked_for_again_when_its_time_is_over) {
  server_.host("www.example", "192.0.2.7", 60);
  Resolver resolver(options());
  const Simulation simulation(1);
  resolver.resolve("www.example", 80);
  sleep(59s);
  resolver.resolve("www.example", 80);
  EXPECT_EQ(server_.questions(), 2U);
  sleep(2s);
  resolver.resolve("www.example", 80);
  EXPECT_EQ(server_.questions(), 4U);
}

TEST_F(ResolverCacheTest, a_no_is_kept_as_long_as_the_zone_says) {
  server_.negative_ttl(300, 20);
  Resolver resolver(options());
  const Simulation simulation(1);
  EXPECT_EQ(reason_of(resolver, "nowhere.example"), Reason::no_such_name);
  sleep(19s);
  EXPECT_EQ(reason_of(resolver, "nowhere.example"), Reason::no_such_name);
  EXPECT_EQ(server_.questions(), 2U);
  sleep(2s);
  EXPECT_EQ(reason_of(resolver, "nowhere.example"), Reason::no_such_name);
  EXPECT_EQ(server_.questions(), 4U);
}

TEST_F(ResolverCacheTest, what_is_kept_is_bounded_in_time_and_number) {
  server_.negative_ttl(1'000'000, 1'000'000);
  server_.host("www.example", "192.0.2.7", 2'000'000'000);
  ResolverOptions bounded = options();
  bounded.max_ttl = 100s;
  bounded.max_negative_ttl = 10s;
  bounded.cache_size = 2;
  Resolver resolver(bounded);
  const Simulation simulation(1);
  resolver.resolve("www.example", 80);
  reason_of(resolver, "nowhere.example");
  EXPECT_EQ(resolver.stats().entries, 2U);
  sleep(11s);
  reason_of(resolver, "nowhere.example");
  EXPECT_EQ(resolver.stats().cached, 0U);
  resolver.resolve("www.example", 80);
  EXPECT_EQ(resolver.stats().cached, 1U);
  sleep(100s);
  resolver.resolve("www.example", 80);
  EXPECT_EQ(resolver.stats().cached, 1U);
  reason_of(resolver, "other.example");
  EXPECT_EQ(resolver.stats().entries, 2U);
}

TEST_F(ResolverCacheTest, what_has_no_time_is_not_kept) {
  server_.host("moving.example", "192.0.2.7", 0);
  server_.fails("sick.example", dns::servfail);
  server_.no_soa();
  Resolver resolver(options());
  resolver.resolve("moving.example", 80, 30s);
  reason_of(resolver, "sick.example");
  reason_of(resolver, "nowhere.example");
  EXPECT_EQ(resolver.stats().entries, 0U);
}

TEST_F(ResolverCacheTest, other_options_empty_the_cache_and_leave_those_who_wait) {
  server_.host("www.example", "192.0.2.7");
  DnsServer other;
  other.host("www.example", "192.0.2.99");
  Resolver resolver(options());
  server_.hold();
  auto waiter = spawn([&] { return resolved(resolver, "www.example"); });
  wait_for_questions(2);
  ResolverOptions changed = options();
  changed.servers = {other.address()};
  resolver.configure(changed);
  EXPECT_EQ(resolved(resolver, "www.example"), Texts{"192.0.2.99:80"});
  server_.let_go();
  EXPECT_EQ(waiter.get(), Texts{"192.0.2.7:80"});
  EXPECT_EQ(resolved(resolver, "www.example"), Texts{"192.0.2.99:80"});
}

} // namespace
} // namespace grove::test
