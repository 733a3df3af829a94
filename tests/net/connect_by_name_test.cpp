// SPDX-License-Identifier: MIT
// connect() to a host of several addresses.
#include <cerrno>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/resolver.hpp>

#include "../support/dns_server.hpp"
#include "../support/hub_test.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/temporary_file.hpp"
#include "address_order.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::connect;
using net::ConnectOptions;
using net::Listener;
using net::StreamSocket;

// A host of addresses of the loopback network, in this order.
class ConnectByNameTest : public HubTest {
protected:
  void TearDown() override {
    net::Resolver::current().configure({});
    HubTest::TearDown();
  }
  void host(const std::vector<std::string>& addresses) {
    std::string text;
    for (const std::string& address : addresses)
      text += address + " db.example\n";
    file_.put(text);
    net::ResolverOptions options;
    options.hosts_file = file_.path();
    net::Resolver::current().configure(options);
  }
  static Listener listener_at(const std::string& ip, std::uint16_t port = 0) {
    return Listener(Address::ip(ip, port));
  }
  static constexpr ConnectOptions never_impatient() {
    ConnectOptions options;
    options.attempt_delay = 600s;
    return options;
  }

private:
  TemporaryFile file_;
};

// Its queue is full: the kernel drops what asks to be let in, as a firewall does.
class BlackHole {
public:
  explicit BlackHole(const std::string& ip, std::uint16_t port = 0)
      : listener_(Address::ip(ip, port), {.backlog = 0}) {
    for (int i = 0; i < 20; ++i) {
      try {
        fillers_.push_back(connect(listener_.local_address(), 20ms));
      } catch (const TimeoutError&) {
        return;
      }
    }
    throw std::runtime_error("the queue never fills");
  }
  std::uint16_t port() const { return listener_.local_address().port(); }

private:
  Listener listener_;
  std::vector<StreamSocket> fillers_;
};

TEST_F(ConnectByNameTest, the_next_address_is_tried_at_once_when_one_refuses) {
  host({"127.0.0.2", "127.0.0.3"});
  const Listener listener = listener_at("127.0.0.3");
  const auto port = listener.local_address().port();
  const StreamSocket socket = connect("db.example", port, 30s, never_impatient());
  EXPECT_EQ(socket.peer_address(), Address::ip("127.0.0.3", port));
}

TEST_F(ConnectByNameTest, the_next_address_is_tried_after_a_while_when_one_is_silent) {
  host({"127.0.0.2", "127.0.0.3"});
  const BlackHole silent("127.0.0.2");
  const Listener listener = listener_at("127.0.0.3", silent.port());
  const auto before = open_descriptors().size();
  {
    const StreamSocket socket = connect("db.example", silent.port(), 30s, {.attempt_delay = 10ms});
    EXPECT_EQ(socket.peer_address().host(), "127.0.0.3");
    EXPECT_EQ(open_descriptors().size(), before + 1) << "the loser's socket is open";
  }
}

// gevent C14
TEST_F(ConnectByNameTest, an_error_lists_what_was_tried) {
  host({"127.0.0.2", "127.0.0.3"});
  std::uint16_t port = 0;
  { port = listener_at("127.0.0.2").local_address().port(); }
  const auto before = open_descriptors().size();
  const std::string p = std::to_string(port);
  const std::string expected = "connect to db.example:" + p + " (127.0.0.2:" + p +
                               ": Connection refused; 127.0.0.3:" + p +
                               ": Connection refused): Connection refused";
  for (const auto& source : {std::optional<Address>(), std::optional(Address::loopback())}) {
    ConnectOptions options;
    options.bind_to = source;
    try {
      connect("db.example", port, 30s, options);
      ADD_FAILURE();
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), ECONNREFUSED);
      EXPECT_EQ(error.what(), expected);
    }
  }
  EXPECT_EQ(open_descriptors().size(), before);
}

TEST_F(ConnectByNameTest, one_deadline_covers_all_tries) {
  host({"127.0.0.2", "127.0.0.3"});
  const BlackHole silent("127.0.0.2");
  const auto before = open_descriptors().size();
  const std::string p = std::to_string(silent.port());
  EXPECT_EQ(text_of<TimeoutError>(
                [&] { connect("db.example", silent.port(), 500ms, {.attempt_delay = 5ms}); }),
            "connect to db.example:" + p + " (127.0.0.2:" + p + ": no answer; 127.0.0.3:" + p +
                ": Connection refused): the deadline came first");
  EXPECT_EQ(open_descriptors().size(), before);
}

TEST_F(ConnectByNameTest, the_deadline_covers_the_lookup) {
  DnsServer server;
  server.is_silent_about("slow.example");
  net::ResolverOptions options;
  options.servers = {server.address()};
  options.search = std::vector<std::string>{};
  options.timeout = 100ms; // what nobody waits for any more ends soon
  options.tries = 1;
  net::Resolver::current().configure(options);
  EXPECT_EQ(text_of<TimeoutError>([&] { connect("slow.example", 80, 20ms); }),
            "resolve slow.example: no answer in time");
  EXPECT_THROW(connect("nowhere.example", 80, 30s), net::ResolveError); // gevent C12
}

// gevent C15, reliability 10
TEST_F(ConnectByNameTest, a_kill_or_a_timeout_closes_every_socket) {
  host({"127.0.0.2", "127.0.0.3"});
  const BlackHole one("127.0.0.2");
  const BlackHole two("127.0.0.3", one.port());
  const auto before = open_descriptors().size();
  auto killed = spawn([&] { connect("db.example", one.port(), {}, {.attempt_delay = 1ms}); });
  while (open_descriptors().size() < before + 2)
    sleep(1ms);
  killed.kill();
  EXPECT_EQ(open_descriptors().size(), before);
  const Timeout limit(20ms);
  EXPECT_THROW(connect("db.example", one.port(), {}, {.attempt_delay = 1ms}), TimeoutExpired);
  EXPECT_EQ(open_descriptors().size(), before);
}

TEST_F(ConnectByNameTest, an_address_is_taken_as_it_is) {
  const Listener listener = listener_at("127.0.0.1");
  const auto port = listener.local_address().port();
  const auto before = net::Resolver::current().stats().calls;
  EXPECT_EQ(connect("127.0.0.1", port, 30s).peer_address(), listener.local_address());
  EXPECT_EQ(net::Resolver::current().stats().calls, before);
}

TEST_F(ConnectByNameTest, only_addresses_that_the_source_can_reach_are_tried) {
  host({"::1"});
  ConnectOptions options;
  options.bind_to = Address::loopback();
  EXPECT_EQ(text_of<std::system_error>([&] { connect("db.example", 80, 30s, options); }),
            "connect to db.example:80 from 127.0.0.1:0: Address family not supported by protocol");
}

TEST(FamiliesInTurn, the_first_ones_first) {
  const auto turns = [](const std::vector<std::string>& ips) {
    std::vector<Address> all;
    all.reserve(ips.size());
    for (const auto& ip : ips)
      all.push_back(Address::ip(ip, 0));
    net::detail::take_families_in_turn(all);
    std::vector<std::string> texts;
    texts.reserve(all.size());
    for (const auto& one : all)
      texts.push_back(one.host());
    return texts;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(turns({}), Texts{});
  EXPECT_EQ(turns({"::1", "::2", "::3", "10.0.0.1", "10.0.0.2"}),
            (Texts{"::1", "10.0.0.1", "::2", "10.0.0.2", "::3"}));
  EXPECT_EQ(turns({"10.0.0.1", "::1", "::2", "::3"}), (Texts{"10.0.0.1", "::1", "::2", "::3"}));
  EXPECT_EQ(turns({"10.0.0.1", "10.0.0.2"}), (Texts{"10.0.0.1", "10.0.0.2"}));
}

} // namespace
} // namespace grove::test
