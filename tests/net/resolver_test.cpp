// SPDX-License-Identifier: MIT
// Resolver against a name server of our own: answers, servers that fail, who shares a lookup.
#include <grove/net/resolver.hpp>

#include <memory>
#include <string>
#include <vector>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/resolver_test.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::ResolveError;
using net::Resolver;
using net::ResolverOptions;
using net::Service;

// -- answers --------------------------------------------------------------------------------------

TEST_F(ResolverTest, both_families_with_the_port) {
  server_.host("www.example", "192.0.2.7");
  server_.host("www.example", "192.0.2.8");
  server_.host("www.example", "2001:db8::7");
  Resolver resolver(options());
  EXPECT_EQ(sorted(texts(resolver.resolve("www.example", 443, 30s))),
            (Texts{"192.0.2.7:443", "192.0.2.8:443", "[2001:db8::7]:443"}));
  EXPECT_EQ(server_.questions("www.example"), 2U);
}

TEST_F(ResolverTest, names_are_the_same_in_capitals) {
  server_.host("www.example", "192.0.2.7");
  Resolver resolver(options());
  EXPECT_EQ(texts(resolver.resolve("WWW.Example", 1, 30s)), Texts{"192.0.2.7:1"});
  EXPECT_EQ(texts(resolver.resolve("www.EXAMPLE", 2, 30s)), Texts{"192.0.2.7:2"});
  EXPECT_EQ(resolver.stats().cached, 1U);
}

TEST_F(ResolverTest, a_chain_of_aliases_is_followed) {
  server_.alias("alias.example", "www.example", "192.0.2.7");
  Resolver resolver(options());
  EXPECT_EQ(resolved(resolver, "alias.example"), Texts{"192.0.2.7:80"});
}

// reliability 38
TEST_F(ResolverTest, aliases_in_a_circle_have_no_address) {
  for (const auto type : {dns::a, dns::aaaa}) {
    server_.record("one.example", type,
                   dns::record("one.example", dns::cname, 300, dns::name("two.example")));
    server_.record("one.example", type,
                   dns::record("two.example", dns::cname, 300, dns::name("one.example")));
  }
  Resolver resolver(options());
  EXPECT_EQ(reason_of(resolver, "one.example"), Reason::no_address);
}

TEST_F(ResolverTest, an_error_names_name_reason_and_server) {
  Resolver resolver(options());
  const auto resolve = [&](const char* name) {
    return text_of<ResolveError>([&] { resolver.resolve(name, 80, 30s); });
  };
  const std::string server = server_.address().to_string();
  EXPECT_EQ(resolve("nowhere.example"), "resolve nowhere.example: no such name (" + server + ")");
  EXPECT_EQ(reason_of(resolver, "nowhere.example"), Reason::no_such_name);
  server_.fails("sick.example", dns::servfail);
  EXPECT_EQ(resolve("sick.example"),
            "resolve sick.example: no server has answered (" + server + ": SERVFAIL)");
  EXPECT_EQ(reason_of(resolver, "sick.example"), Reason::server_failed);
  server_.fails("secret.example", dns::refused);
  EXPECT_EQ(resolve("secret.example"), "resolve secret.example: refused (" + server + ": REFUSED)");
  EXPECT_EQ(reason_of(resolver, "secret.example"), Reason::refused);
}

// reliability 38
TEST_F(ResolverTest, a_server_that_fails_is_asked_once) {
  server_.fails("sick.example", dns::servfail);
  Resolver resolver(options());
  EXPECT_EQ(reason_of(resolver, "sick.example"), Reason::server_failed);
  EXPECT_EQ(server_.questions("sick.example", dns::a), 1U);
}

// reliability 38
TEST_F(ResolverTest, a_truncated_answer_is_asked_for_over_tcp) {
  for (int i = 1; i <= 60; ++i)
    server_.host("big.example", "192.0.2." + std::to_string(i));
  server_.replies("big.example", [this](const dns::Question& q) {
    dns::Answer answer = server_.known(q);
    if (!q.tcp) {
      answer.truncated = true;
      answer.answers.clear();
    }
    return std::vector{answer.to(q)};
  });
  Resolver resolver(options());
  EXPECT_EQ(resolver.resolve("big.example", 80, 30s).size(), 60U);
  EXPECT_TRUE(server_.was_asked_over_tcp());
}

// reliability 38
TEST_F(ResolverTest, a_huge_answer_is_cut) {
  for (int i = 0; i < 900; ++i)
    server_.host("huge.example", "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  for (int i = 0; i < 1500; ++i)
    server_.host("monster.example",
                 "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  const auto over_tcp = [this](const dns::Question& q) {
    dns::Answer answer = server_.known(q);
    answer.truncated = !q.tcp;
    if (!q.tcp)
      answer.answers.clear();
    return std::vector{answer.to(q)};
  };
  server_.replies("huge.example", over_tcp);
  server_.replies("monster.example", over_tcp);
  Resolver resolver(options());
  EXPECT_EQ(resolver.resolve("huge.example", 80, 30s).size(), 64U);
  EXPECT_EQ(reason_of(resolver, "monster.example"), Reason::bad_answer);
}

// reliability 38
TEST_F(ResolverTest, garbage_and_foreign_answers_are_passed_over) {
  server_.host("www.example", "192.0.2.7");
  server_.replies("www.example", [this](const dns::Question& q) {
    dns::Question other_id = q;
    ++other_id.id;
    dns::Answer lie;
    lie.answers = {dns::record("www.example", dns::a, 300, dns::address("203.0.113.66"))};
    dns::Question other_name = q;
    other_name.section = dns::name("evil.example") + dns::number(q.type, 2) + dns::number(1, 2);
    return std::vector<dns::Bytes>{"x", dns::Bytes(300, '\xff'), lie.to(other_id),
                                   lie.to(other_name), server_.known(q).to(q)};
  });
  Resolver resolver(options());
  EXPECT_EQ(resolved(resolver, "www.example"), Texts{"192.0.2.7:80"});
}

// reliability 38
TEST_F(ResolverTest, an_answer_that_does_not_parse_is_an_error) {
  server_.replies("broken.example", [](const dns::Question& q) {
    dns::Answer answer;
    answer.answers = {"\xc0\x0c\x00"}; // a record that stops in its middle
    return std::vector{answer.to(q)};
  });
  server_.replies("circle.example", [](const dns::Question& q) {
    dns::Answer answer;
    const auto itself = 12 + q.section.size(); // a name that points to itself
    answer.answers = {dns::number(0xc000U | itself, 2) + dns::number(q.type, 2) +
                      dns::number(1, 2) + dns::number(300, 4) + dns::number(0, 2)};
    return std::vector{answer.to(q)};
  });
  Resolver resolver(options());
  EXPECT_EQ(reason_of(resolver, "broken.example"), Reason::bad_answer);
  EXPECT_EQ(reason_of(resolver, "circle.example"), Reason::bad_answer);
}

TEST_F(ResolverTest, an_empty_datagram_is_a_failing_server) { // CVE-2023-32067
  server_.replies("empty.example",
                  [](const dns::Question&) { return std::vector<dns::Bytes>{""}; });
  ResolverOptions quick = options();
  quick.timeout = 50ms;
  Resolver resolver(quick);
  EXPECT_EQ(reason_of(resolver, "empty.example"), Reason::server_failed);
}

TEST_F(ResolverTest, one_family_is_enough_when_the_server_is_silent_about_the_other) {
  server_.host("half.example", "192.0.2.7");
  server_.replies("half.example", [this](const dns::Question& q) {
    return q.type == dns::a ? std::vector{server_.known(q).to(q)} : std::vector<dns::Bytes>();
  });
  ResolverOptions patient = options();
  patient.timeout = 600s;
  Resolver resolver(patient);
  EXPECT_EQ(resolved(resolver, "half.example"), Texts{"192.0.2.7:80"});
  EXPECT_EQ(resolver.stats().entries, 0U) << "half an answer was kept";
}

// -- several servers ------------------------------------------------------------------------------

// reliability 38
TEST_F(ResolverTest, the_next_server_is_asked_when_one_is_dead) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); // takes, and says nothing
  const AtExit close_it([&] { ::close(fd); });
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
  server_.host("www.example", "192.0.2.7");
  server_.host("ftp.example", "192.0.2.8");
  ResolverOptions two = options();
  two.servers.insert(two.servers.begin(),
                     Address::from(reinterpret_cast<sockaddr*>(&at), sizeof at));
  two.timeout = 300ms;
  Resolver resolver(two);
  EXPECT_EQ(resolved(resolver, "www.example"), Texts{"192.0.2.7:80"});
  EXPECT_EQ(resolver.stats().questions, 4U);
  EXPECT_EQ(resolved(resolver, "ftp.example"), Texts{"192.0.2.8:80"});
  EXPECT_EQ(resolver.stats().questions, 6U) << "the dead one was asked first again";
}

// reliability 38
TEST_F(ResolverTest, no_server_at_all) {
  Address nobody;
  {
    const DnsServer gone;
    nobody = gone.address();
  }
  ResolverOptions none = options();
  none.servers = {nobody};
  Resolver resolver(none);
  EXPECT_EQ(text_of<ResolveError>([&] { resolver.resolve("www.example", 80, 30s); }),
            "resolve www.example: no server has answered (" + nobody.to_string() +
                ": cannot be reached)");
}

TEST_F(ResolverTest, a_failing_server_is_passed_over_and_both_are_named) {
  DnsServer sick;
  sick.fails("www.example", dns::servfail);
  server_.host("www.example", "192.0.2.7");
  ResolverOptions two = options();
  two.servers.insert(two.servers.begin(), sick.address());
  Resolver resolver(two);
  EXPECT_EQ(resolved(resolver, "www.example"), Texts{"192.0.2.7:80"});
  sick.fails("bad.example", dns::notimp);
  server_.fails("bad.example", dns::servfail);
  const std::string text = text_of<ResolveError>([&] { resolver.resolve("bad.example", 80, 30s); });
  EXPECT_NE(text.find(sick.address().to_string() + ": NOTIMP"), std::string::npos) << text;
  EXPECT_NE(text.find(server_.address().to_string() + ": SERVFAIL"), std::string::npos) << text;
}

// -- waiting --------------------------------------------------------------------------------------

// reliability 38, pitfall 72
TEST_F(ResolverTest, a_deadline_passes_while_others_run) {
  server_.is_silent_about("slow.example");
  Resolver resolver(options());
  int ticks = 0;
  auto ticker = spawn([&] {
    for (;; ++ticks)
      sleep(1ms);
  });
  EXPECT_EQ(text_of<TimeoutError>([&] { resolver.resolve("slow.example", 80, 50ms); }),
            "resolve slow.example: no answer in time");
  EXPECT_GT(ticks, 5);
  ticker.kill();
  const Timeout limit(20ms);
  EXPECT_THROW(resolver.resolve("slow.example", 80), TimeoutExpired);
}

TEST_F(ResolverTest, those_who_ask_at_the_same_time_share_one_lookup) {
  server_.host("www.example", "192.0.2.7");
  server_.hold();
  Resolver resolver(options());
  std::vector<GreenletRef<Texts>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(spawn([&] { return resolved(resolver, "www.example"); }));
  wait_for_questions(2);
  server_.let_go();
  for (auto& one : all)
    EXPECT_EQ(one.get(), Texts{"192.0.2.7:80"});
  EXPECT_EQ(server_.questions(), 2U);
  EXPECT_EQ(resolver.stats().joined, 19U);
  EXPECT_EQ(resolver.stats().under_way, 0U);
}

// reliability 10
TEST_F(ResolverTest, a_kill_or_a_timeout_of_one_leaves_the_lookup_to_the_others) {
  const ErrorLog log; // not to stderr
  server_.host("www.example", "192.0.2.7");
  server_.hold();
  Resolver resolver(options());
  auto first = spawn([&] { resolver.resolve("www.example", 80); });
  auto second = spawn([&] { return resolved(resolver, "www.example"); });
  auto third = spawn([&] { resolver.resolve("www.example", 80, 10ms); });
  wait_for_questions(2);
  first.kill();
  EXPECT_THROW(third.get(), TimeoutError);
  server_.let_go();
  EXPECT_EQ(second.get(), Texts{"192.0.2.7:80"});
  EXPECT_EQ(server_.questions(), 2U);
}

TEST_F(ResolverTest, a_lookup_that_nobody_waits_for_is_kept) {
  server_.host("www.example", "192.0.2.7");
  server_.hold();
  Resolver resolver(options());
  EXPECT_THROW(resolver.resolve("www.example", 80, 1ms), TimeoutError);
  wait_for_questions(2);
  server_.let_go();
  for (int i = 0; i < 10'000 && resolver.stats().under_way != 0; ++i)
    sleep(1ms);
  EXPECT_EQ(resolved(resolver, "www.example"), Texts{"192.0.2.7:80"});
  EXPECT_EQ(resolver.stats().cached, 1U);
}

TEST_F(ResolverTest, destroying_it_wakes_who_waits) {
  const ErrorLog log; // not to stderr
  server_.is_silent_about("slow.example");
  auto resolver = std::make_unique<Resolver>(options());
  auto waiter = spawn([&] { resolver->resolve("slow.example", 80); });
  wait_for_questions(2);
  resolver.reset();
  EXPECT_THROW(waiter.get(), Closed);
}

TEST_F(ResolverTest, a_wait_is_no_deadlock_and_leaves_nothing_behind) {
  server_.host("www.example", "192.0.2.7");
  Resolver resolver(options());
  EXPECT_FALSE(resolver.resolve("www.example", 80).empty()); // no timer but the resolver's own
  const auto wait_for_ever = [] {
    yield();
    detail::park("nothing");
  };
  EXPECT_THROW(wait_for_ever(), Deadlock) << "a watch or a timer was left";
}

// -- services -------------------------------------------------------------------------------------

TEST_F(ResolverTest, services_come_by_priority) {
  server_.service("_db._tcp.example", 20, 0, 5433, "spare.example");
  server_.service("_db._tcp.example", 10, 5, 5432, "main.example");
  server_.service("_none._tcp.example", 0, 0, 0, "");
  Resolver resolver(options());
  EXPECT_EQ(resolver.resolve_srv("_db._tcp.example", 30s),
            (std::vector<Service>{{"main.example", 5432, 10, 5}, {"spare.example", 5433, 20, 0}}));
  EXPECT_EQ(text_of<ResolveError>([&] { resolver.resolve_srv("_none._tcp.example", 30s); }),
            "resolve _none._tcp.example: no such service (" + server_.address().to_string() + ")");
}

} // namespace
} // namespace grove::test
