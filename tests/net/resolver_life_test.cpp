// SPDX-License-Identifier: MIT
// Resolvers of hubs, in children, by threads, under a Simulation; and a name server of others.
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <grove/hub/event.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/thread_pool.hpp>
#include <grove/net/resolver.hpp>

#include "../support/resolver_test.hpp"
#include "../support/temporary_file.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::ResolveError;
using net::Resolver;
using net::ResolverOptions;

class ResolverLifeTest : public ResolverTest {};

TEST_F(ResolverLifeTest, each_hub_has_its_own) {
  Resolver* const here = &Resolver::current();
  EXPECT_EQ(&Resolver::current(), here);
  HubThread other;
  Resolver* const there = other.call([&] {
    Resolver::current().configure(options());
    return &Resolver::current();
  });
  EXPECT_NE(there, here);
  EXPECT_EQ(other.call([&] { return &Resolver::current(); }), there);
}

TEST_F(ResolverLifeTest, a_hub_may_end_while_a_lookup_is_under_way) {
  server_.is_silent_about("slow.example");
  {
    HubThread other;
    other.hub().post([&] {
      Resolver::current().configure(options());
      net::resolve("slow.example", 80);
    });
    wait_for_questions(2);
  }
  HubThread next; // perhaps in the memory of the last one
  server_.host("www.example", "192.0.2.7");
  EXPECT_EQ(next.call([&] {
    Resolver::current().configure(options());
    return texts(net::resolve("www.example", 80, 30s));
  }),
            Texts{"192.0.2.7:80"});
}

// gevent F2
TEST_F(ResolverLifeTest, a_child_of_fork_asks_on_sockets_of_its_own) {
  server_.host("www.example", "192.0.2.7");
  server_.host("ftp.example", "192.0.2.8");
  Resolver resolver(options());
  server_.hold();
  auto waiter = spawn([&] { return texts(resolver.resolve("www.example", 80, 30s)); });
  wait_for_questions(2);
  const pid_t child = fork();
  if (child == 0) { // its questions are answered by the parent's thread, but held back
    int code = 1;
    try {
      resolver.resolve("ftp.example", 80, 200ms);
    } catch (const TimeoutError&) {
      code = resolver.stats().joined == 0 ? 0 : 2;
    } catch (...) {
    }
    _exit(code);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(server_.questions("ftp.example"), 2U);
  server_.let_go();
  EXPECT_EQ(waiter.get(), Texts{"192.0.2.7:80"}) << "the child took the parent's answer";
}

// -- by threads -----------------------------------------------------------------------------------

// pitfall 72
TEST_F(ResolverLifeTest, getaddrinfo_runs_on_a_thread_and_is_shared) {
  ResolverOptions by_threads;
  by_threads.by = ResolverOptions::By::threads;
  Resolver resolver(by_threads);
  auto other = spawn([&] { return texts(resolver.resolve("localhost", 80, 30s)); });
  const Texts mine = texts(resolver.resolve("localhost", 80, 30s));
  EXPECT_FALSE(mine.empty());
  EXPECT_EQ(other.get(), mine);
  EXPECT_EQ(resolver.stats().lookups, 1U);
  EXPECT_EQ(resolver.stats().joined, 1U);
  EXPECT_EQ(resolver.stats().entries, 0U) << "getaddrinfo tells no TTL";
  EXPECT_EQ(texts(resolver.resolve("192.0.2.1", 80)), Texts{"192.0.2.1:80"});
  EXPECT_THROW(resolver.resolve("127.1", 80), ResolveError);
}

// getaddrinfo(3) may take as long as it likes.
TEST_F(ResolverLifeTest, a_lookup_that_nobody_waits_for_saves_nobody_from_a_deadlock) {
  ThreadPool& pool = default_thread_pool();
  const auto threads = static_cast<std::ptrdiff_t>(pool.max_threads());
  pool.resize(0); // so it does not begin
  ResolverOptions by_threads;
  by_threads.by = ResolverOptions::By::threads;
  Resolver resolver(by_threads);
  auto asker = spawn([&] { resolver.resolve("localhost", 80); });
  settle();
  EXPECT_EQ(resolver.stats().under_way, 1U);
  std::atomic<bool> over = false;
  std::thread at_last([&] { // else a failure would be a test without an end
    for (int i = 0; i < 50 && !over; ++i)
      std::this_thread::sleep_for(100ms);
    if (!over)
      pool.resize(threads);
  });
  asker.kill();
  EXPECT_THROW(Event().wait(), Deadlock);
  EXPECT_EQ(pool.pending(), 1U);
  over = true;
  at_last.join();
  pool.resize(threads);
  EXPECT_TRUE(pool.join(60s));
}

TEST_F(ResolverLifeTest, the_environment_chooses) {
  in_fresh_processes();
  const auto resolve_with = [](const char* value) {
    setenv("GROVE_RESOLVER", value, 1);
    try {
      net::resolve("localhost", 80, 30s);
    } catch (const std::invalid_argument& error) {
      std::fprintf(stderr, "%s\n", error.what());
      std::exit(1);
    }
    std::fprintf(stderr, "%d lookups\n", static_cast<int>(Resolver::current().stats().lookups));
    std::exit(0);
  };
  EXPECT_EXIT(resolve_with("thread"), ::testing::ExitedWithCode(0), "1 lookups");
  EXPECT_EXIT(resolve_with("ares"), ::testing::ExitedWithCode(0), "0 lookups"); // needs no server
  EXPECT_EXIT(resolve_with("dig"), ::testing::ExitedWithCode(1),
              "GROVE_RESOLVER=dig: write ares or thread");
}

// -- under a Simulation ---------------------------------------------------------------------------

TEST_F(ResolverLifeTest, a_lookup_takes_no_simulated_time) {
  server_.host("www.example", "192.0.2.7");
  server_.fails("sick.example", dns::servfail);
  Resolver resolver(options());
  const Simulation simulation(1);
  const auto begin = now();
  EXPECT_EQ(texts(resolver.resolve("www.example", 80, 1ms)), Texts{"192.0.2.7:80"});
  EXPECT_THROW(resolver.resolve("sick.example", 80, 1ms), ResolveError);
  EXPECT_EQ(now(), begin);
}

TEST_F(ResolverLifeTest, silence_ends_under_a_simulation_too) {
  server_.is_silent_about("slow.example");
  ResolverOptions quick = options();
  quick.timeout = 20ms;
  quick.tries = 2;
  Resolver resolver(quick);
  const Simulation simulation(1);
  EXPECT_THROW(resolver.resolve("slow.example", 80), ResolveError);
  EXPECT_EQ(server_.questions("slow.example", dns::a), 2U);
}

// -- a real one -----------------------------------------------------------------------------------

// dnsmasq on a free port of 127.0.0.1.
class DnsMasq {
public:
  explicit DnsMasq(const std::vector<std::string>& lines) {
    std::string text = "no-resolv\nno-hosts\nkeep-in-foreground\nbind-interfaces\nuser=root\n"
                       "listen-address=127.0.0.1\nlocal-ttl=60\npid-file\nlocal=/example/\n";
    {
      const DnsServer place; // which it leaves
      address_ = place.address();
    }
    text += "port=" + std::to_string(address_.port()) + "\n";
    for (const std::string& line : lines)
      text += line + "\n";
    file_.put(text);
    child_ = fork();
    if (child_ == 0) {
      execl(path, path, ("--conf-file=" + file_.path()).c_str(), nullptr);
      _exit(127);
    }
  }
  DnsMasq(const DnsMasq&) = delete;
  DnsMasq& operator=(const DnsMasq&) = delete;
  ~DnsMasq() {
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }
  const Address& address() const { return address_; }
  static constexpr const char* path = "/usr/sbin/dnsmasq";

private:
  TemporaryFile file_;
  Address address_;
  pid_t child_ = -1;
};

TEST_F(ResolverLifeTest, dnsmasq_answers) {
  if (access(DnsMasq::path, X_OK) != 0)
    GTEST_SKIP() << "no dnsmasq; on Debian: apt-get install dnsmasq-base";
  const DnsMasq server({"host-record=www.example,192.0.2.7,2001:db8::7",
                        "cname=alias.example,www.example",
                        "srv-host=_db._tcp.example,db.example,5432,10,5"});
  ResolverOptions options = options_for(server.address());
  options.timeout = 100ms;
  options.tries = 100;
  Resolver resolver(options);
  const auto resolve = [&](const char* name) { return resolver.resolve(name, 80, 30s).size(); };
  std::size_t found = 0;
  for (int i = 0; i < 1000 && found < 2; ++i) { // until it listens: half an answer may come first
    try {
      found = resolve("www.example");
    } catch (const ResolveError& error) {
      if (error.reason() != ResolveError::Reason::server_failed)
        throw;
    }
    if (found < 2)
      sleep(10ms);
  }
  EXPECT_EQ(found, 2U);
  EXPECT_EQ(resolve("alias.example"), 2U);
  const auto services = resolver.resolve_srv("_db._tcp.example", 30s);
  ASSERT_EQ(services.size(), 1U);
  EXPECT_EQ(services[0], (net::Service{"db.example", 5432, 10, 5}));
  EXPECT_THROW(resolver.resolve("nowhere.example", 80, 30s), ResolveError);
}

} // namespace
} // namespace grove::test
