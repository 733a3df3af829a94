// SPDX-License-Identifier: MIT
// Names and pools in the blocking matrix and in the kill-and-timeout sweep.
//
// gevent C15
// reliability 8, 9, 10
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <grove/net/connect.hpp>
#include <grove/net/connection_pool.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/resolver.hpp>

#include "../support/blocking_call.hpp"
#include "../support/dns_server.hpp"
#include "../support/hub_test.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/scenario.hpp"
#include "../support/temporary_file.hpp"

namespace grove::test {
namespace {

using net::ConnectionPool;
using net::Resolver;

net::ResolverOptions only(const DnsServer& server) {
  net::ResolverOptions options;
  options.servers = {server.address()};
  options.search = std::vector<std::string>{};
  options.hosts_file = "";
  options.timeout = 60s;
  return options;
}

// -- the matrix -----------------------------------------------------------------------------------

class Resolve : public BlockingCall {
public:
  Resolve() {
    server_.host("www.example", "192.0.2.7");
    server_.hold();
  }

private:
  bool call(Deadline deadline) override {
    return resolver_.resolve("www.example", 80, deadline).size() == 1;
  }
  void release() override { server_.let_go(); }
  void again() override {
    server_.hold();
    resolver_.clear_cache();
  }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

  DnsServer server_;
  Resolver resolver_{only(server_)};
};

// The hub's own resolver has no answer yet.
class ConnectByNameCall : public BlockingCall {
public:
  ConnectByNameCall() {
    server_.host("www.example", "127.0.0.1");
    net::ResolverOptions options = only(server_);
    options.cache_size = 0;
    Resolver::current().configure(options);
    again();
  }
  ~ConnectByNameCall() override { Resolver::current().configure({}); }

private:
  bool call(Deadline deadline) override {
    return net::connect("www.example", listener_.local_address().port(), deadline).is_open();
  }
  void release() override { server_.let_go(); }
  void again() override {
    server_.hold();
    while (listener_.try_accept()) {
    }
  }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

  DnsServer server_;
  net::Listener listener_{net::Address::loopback()};
};

class Borrow : public BlockingCall {
public:
  Borrow() { again(); }

private:
  bool call(Deadline deadline) override { return *pool_.borrow(deadline) == 7; }
  void release() override { held_.reset(); }
  void again() override { held_ = std::make_unique<ConnectionPool<int>::Lease>(pool_.borrow()); }
  std::size_t waiters() const override { return pool_.stats().waiting; }
  bool get_like() const override { return true; }

  ConnectionPool<int> pool_{[] { return 7; }, {.max_size = 1}};
  std::unique_ptr<ConnectionPool<int>::Lease> held_;
};

[[maybe_unused]] const bool rows_added = add_blocking_calls(
    {blocking_row<Resolve>("resolve"), blocking_row<ConnectByNameCall>("connect_by_name"),
     blocking_row<Borrow>("connection_pool_borrow")});

// -- the sweep ------------------------------------------------------------------------------------

// Who asks for the same names gets them, whatever becomes of the victim.
class Resolving : public Scenario {
  void begin() override {
    for (const char* name : {"a.example", "b.example", "c.example"})
      server_.host(name, "192.0.2.7");
    server_.service("_s._tcp.example", 1, 1, 80, "a.example");
    other_ = spawn([this] { ask(); });
  }
  void victim() override { ask(); }
  void check() override {
    other_.get();
    ask();
    EXPECT_EQ(resolver_.stats().under_way, 0U);
    EXPECT_EQ(server_.questions("a.example"), 2U);
  }
  void ask() {
    for (const char* name : {"a.example", "b.example", "c.example"})
      EXPECT_EQ(resolver_.resolve(name, 80).size(), 1U);
    EXPECT_EQ(resolver_.resolve_srv("_s._tcp.example").size(), 1U);
  }

  DnsServer server_;
  Resolver resolver_{only(server_)};
  GreenletRef<> other_;
};

// One address refuses, the other accepts: no socket is left, however it ends.
class ConnectingByName : public Scenario {
public:
  ~ConnectingByName() override { Resolver::current().configure({}); }

private:
  void begin() override {
    net::ResolverOptions options;
    options.hosts_file = hosts_.path();
    Resolver::current().configure(options);
    before_ = open_descriptors().size();
  }
  void victim() override {
    for (int i = 0; i < 3; ++i) {
      net::StreamSocket client = net::connect("db.example", port(), {}, {.attempt_delay = 0ms});
      client.send_all("x");
    }
  }
  void check() override {
    while (listener_.try_accept()) {
    }
    EXPECT_EQ(open_descriptors().size(), before_);
    EXPECT_TRUE(net::connect("db.example", port(), 10s).is_open());
  }
  std::uint16_t port() const { return listener_.local_address().port(); }

  const TemporaryFile hosts_{"127.0.0.2 db.example\n127.0.0.3 db.example\n"};
  net::Listener listener_{net::Address::ip("127.0.0.3", 0)};
  std::size_t before_ = 0;
};

// Two share one connection, which takes a while to make and to test.
class Borrowing : public Scenario {
  void begin() override {
    other_ = spawn([this] { use(); });
  }
  void victim() override { use(); }
  void check() override {
    other_.get();
    use();
    const auto stats = pool_.stats();
    EXPECT_EQ(stats.lent, 0U);
    EXPECT_EQ(stats.waiting, 0U);
    EXPECT_EQ(stats.idle, 1U);
    pool_.close();
  }
  void use() {
    for (int i = 0; i < 3; ++i) {
      const auto lease = pool_.borrow();
      yield();
    }
  }

  ConnectionPool<int> pool_{[] {
                              yield();
                              return 7;
                            },
                            {.max_size = 1, .is_fit = [](int&) {
                               yield();
                               return true;
                             }}};
  GreenletRef<> other_;
};

[[maybe_unused]] const bool scenarios_added = add_scenarios(
    {scenario_row<Resolving>("resolving"), scenario_row<ConnectingByName>("connecting_by_name"),
     scenario_row<Borrowing>("borrowing")});

} // namespace
} // namespace grove::test
