// SPDX-License-Identifier: MIT
// A full descriptor table: each call that needs a descriptor says what it was for, those that have
// one go on, and when there is room again all is as before.
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <grove/net/connect.hpp>
#include <grove/net/datagram_socket.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/poll.hpp>
#include <grove/net/resolver.hpp>
#include <grove/net/select.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/temporary_file.hpp"

namespace grove::test {
namespace {

using ::testing::HasSubstr;

// None is left while it lives.
class FullTable {
public:
  FullTable() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 256;
    setrlimit(RLIMIT_NOFILE, &few);
    for (int fd = -1; (fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0;)
      all_.push_back(fd);
  }
  FullTable(const FullTable&) = delete;
  FullTable& operator=(const FullTable&) = delete;
  ~FullTable() {
    for (const int fd : all_)
      ::close(fd);
    setrlimit(RLIMIT_NOFILE, &before_);
  }

private:
  rlimit before_{};
  std::vector<int> all_;
};

class DescriptorTableTest : public HubTest {
protected:
  template <class F>
  static std::string refusal(F f) {
    try {
      f();
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), EMFILE) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "it was not refused";
    return {};
  }
  static void expect_echo(Connected& ends) {
    auto reader = spawn([&] { return ends.server.recv_exactly(5, 10s); });
    settle();
    ends.client.send_all("hello");
    EXPECT_EQ(std::move(reader).get(), "hello");
  }
};

TEST_F(DescriptorTableTest, that_is_full_is_told_by_each_call_and_hurts_nobody_else) {
  net::Listener listener(net::Address::loopback());
  const net::Address address = listener.local_address();
  const std::string where = address.to_string();
  Connected ends = Connected::tcp();
  expect_echo(ends);
  net::StreamSocket waiting = net::connect(address); // to be accepted
  net::ResolverOptions somebody;
  somebody.servers = {net::Address::loopback(1)};
  somebody.timeout = 1s;
  const TemporaryFile hosts("192.0.2.7 db.example\n");
  somebody.hosts_file = hosts.path();
  net::Resolver resolver(somebody);
  const auto before = open_descriptors();
  {
    const FullTable full;
    EXPECT_THAT(refusal([&] { net::connect(address); }), HasSubstr("connect to " + where + ": "));
    EXPECT_THAT(refusal([&] { net::connect("localhost", address.port()); }),
                HasSubstr("connect to localhost:" + std::to_string(address.port())));
    EXPECT_THAT(refusal([&] { net::Listener other(net::Address::loopback()); }),
                HasSubstr("listen on 127.0.0.1:0: "));
    EXPECT_THAT(refusal([&] { net::DatagramSocket other(net::Address::loopback()); }),
                HasSubstr("bind 127.0.0.1:0: "));
    EXPECT_THAT(refusal([] { net::socket_pair(); }), HasSubstr("socket_pair: "));
    EXPECT_THAT(refusal([&] { listener.accept(); }), HasSubstr("accept on tcp " + where));
    EXPECT_THAT(refusal([&] { net::select({ends.server}, {}, {}, 10s); }), HasSubstr("poll: "));
    for (const char* name : {"db.example", "db.example"}) // of the file that cannot be read
      EXPECT_THROW(resolver.resolve(name, 80, 10s), net::ResolveError);
    expect_echo(ends);
  }
  EXPECT_EQ(open_descriptors(), before) << "something was left behind";
  EXPECT_EQ(resolver.resolve("db.example", 80, 10s).size(), 1U) << "it is read now";
  EXPECT_TRUE(listener.accept(10s).is_open()) << "it has waited";
  EXPECT_TRUE(net::connect(address, 10s).is_open());
  EXPECT_TRUE(net::select({ends.server}, {}, {}, 1ms).empty());
  expect_echo(ends);
}

} // namespace
} // namespace grove::test
