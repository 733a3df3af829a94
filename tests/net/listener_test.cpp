// SPDX-License-Identifier: MIT
// Listeners: addresses in use, accepting that waits, Unix paths.
#include <filesystem>
#include <string>
#include <system_error>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>

#include "../support/hub_test.hpp"
#include "../support/temporary_directory.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::Listener;

class ListenerTest : public HubTest {
protected:
  std::string path(const char* name) { return directory_.path() + "/" + name; }

private:
  TemporaryDirectory directory_;
};

TEST_F(ListenerTest, a_port_in_use_is_named) {
  const Listener listener(Address::loopback());
  const Address address = listener.local_address();
  EXPECT_NE(address.port(), 0);
  try {
    const Listener second(address);
    FAIL();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::address_in_use);
    EXPECT_EQ(std::string(e.what()),
              "listen on " + address.to_string() + ": Address already in use");
  }
}

TEST_F(ListenerTest, accept_waits_for_a_connection_and_no_longer_than_its_deadline) {
  Listener listener(Address::loopback());
  EXPECT_FALSE(listener.try_accept());
  EXPECT_THROW(listener.accept(5ms), TimeoutError);
  auto server = spawn([&] { return listener.accept().recv(10); });
  settle();
  EXPECT_FALSE(server.ready());
  net::StreamSocket client = net::connect(listener.local_address());
  client.send_all("hello");
  EXPECT_EQ(server.get(), "hello");
  listener.close();
  EXPECT_THROW(listener.accept(), Closed);
}

TEST_F(ListenerTest, closing_wakes_who_accepts) {
  Listener listener(Address::loopback());
  auto server = spawn([&] { listener.accept(); });
  settle();
  listener.close();
  EXPECT_THROW(server.get(), Closed);
}

TEST_F(ListenerTest, any_takes_both_kinds_of_ip) {
  Listener listener(Address::any());
  const std::uint16_t port = listener.local_address().port();
  net::StreamSocket v4 = net::connect(Address::loopback(port));
  EXPECT_TRUE(listener.accept().peer_address().is_loopback());
  if (listener.local_address().family() == AF_INET6) {
    net::StreamSocket v6 = net::connect(Address::ip("::1", port));
    EXPECT_EQ(listener.accept().peer_address(), v6.local_address());
  }
}

TEST_F(ListenerTest, several_share_a_port_when_all_ask_for_it) {
  const Listener first(Address::loopback(), {.reuse_port = true});
  const Listener second(first.local_address(), {.reuse_port = true});
  EXPECT_EQ(first.local_address(), second.local_address());
}

TEST_F(ListenerTest, a_unix_path_has_its_mode_and_goes_with_the_listener) {
  const std::string at = path("socket");
  {
    Listener listener(Address::unix_path(at), {.mode = 0600});
    struct stat status {};
    ASSERT_EQ(lstat(at.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    net::StreamSocket client = net::connect(listener.local_address());
    net::StreamSocket server = listener.accept();
    client.send_all("over a path");
    EXPECT_EQ(server.recv(100), "over a path");
    EXPECT_EQ(client.peer_address(), listener.local_address());
    EXPECT_EQ(server.peer_address(), Address());
    EXPECT_EQ(client.name(), "unix to unix:" + at);
    EXPECT_EQ(listener.name(), "unix:" + at + " listening");
  }
  EXPECT_FALSE(std::filesystem::exists(at));
}

TEST_F(ListenerTest, a_path_that_nobody_listens_on_is_taken_over_and_no_other) {
  const Address address = Address::unix_path(path("socket"));
  Listener dead(address);
  ::close(dup(dead.descriptor()));
  ASSERT_EQ(::close(dead.release()), 0); // as if it had been killed: the path stays
  EXPECT_THROW(Listener(address, {.replace_stale = false}), std::system_error);
  Listener alive(address);
  EXPECT_THROW(Listener{address}, std::system_error);
  net::connect(address);
  const std::string file = path("file");
  ASSERT_EQ(std::system(("touch " + file).c_str()), 0);
  EXPECT_THROW(Listener{Address::unix_path(file)}, std::system_error);
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(ListenerTest, an_abstract_name_needs_no_path) {
  const Address name = Address::unix_path("@grove-test-" + std::to_string(getpid()));
  Listener listener(name);
  net::StreamSocket client = net::connect(name);
  client.send_all("x");
  EXPECT_EQ(listener.accept().recv(1), "x");
  EXPECT_FALSE(std::filesystem::exists(name.host()));
}

TEST_F(ListenerTest, a_full_unix_queue_is_waited_for) {
  const Address name = Address::unix_path("@grove-full-" + std::to_string(getpid()));
  Listener listener(name, {.backlog = 0});
  net::StreamSocket first = net::connect(name);
  EXPECT_THROW(net::connect(name, 20ms), TimeoutError);
  auto second = spawn([&] { net::connect(name, 10s).send_all("second"); });
  sleep(5ms);
  EXPECT_FALSE(second.ready());
  listener.accept();
  second.get();
  EXPECT_EQ(listener.accept().recv(10), "second");
}

TEST_F(ListenerTest, one_that_listens_already_is_taken_over) {
  Listener made(Address::loopback());
  const Address address = made.local_address();
  Listener listener = Listener::adopt(made.release());
  net::StreamSocket client = net::connect(address);
  EXPECT_EQ(listener.accept().peer_address(), client.local_address());
  const int fd = client.release();
  EXPECT_THROW(Listener::adopt(fd), std::system_error);
  EXPECT_EQ(net::StreamSocket::adopt(fd).peer_address(), address);
  EXPECT_THROW(net::StreamSocket::adopt(0x7fff), std::system_error);
}

} // namespace
} // namespace grove::test
