// SPDX-License-Identifier: MIT
// Datagrams of Unix sockets: room at the receiver, paths.
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/net/datagram_socket.hpp>

#include "../support/datagrams.hpp"
#include "../support/hub_test.hpp"
#include "../support/pipe_files.hpp"
#include "../support/temporary_directory.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::DatagramSocket;

class UnixDatagramTest : public HubTest {
protected:
  Address at(const std::string& name) const {
    return Address::unix_path(directory_.path() + "/" + name);
  }
  // Sends until there is no room.
  static int fill(DatagramSocket& socket, const Address& to) {
    int count = 0;
    while (socket.try_send_to("filling", to))
      ++count;
    return count;
  }
  TemporaryDirectory directory_;
};

TEST_F(UnixDatagramTest, a_sender_waits_until_the_receiver_has_room) {
  DatagramSocket sink(at("sink"));
  DatagramSocket source(AF_UNIX);
  const int count = fill(source, at("sink"));
  ASSERT_GT(count, 0);
  EXPECT_THROW(source.send_to("x", at("sink"), 1ms), TimeoutError);
  auto killed = spawn([&] { source.send_to("killed", at("sink")); });
  settle();
  EXPECT_THROW(source.send_to("x", at("sink")), std::logic_error) << "a second one";
  killed.kill();
  auto sender = spawn([&] { source.send_to("the last", at("sink"), 10s); });
  settle();
  EXPECT_FALSE(sender.ready());
  for (int i = 0; i < count; ++i) {
    const Received got = receive(sink);
    EXPECT_EQ(got.text, "filling");
    EXPECT_EQ(got.datagram.peer, Address()) << "it was never bound";
  }
  EXPECT_EQ(receive(sink).text, "the last");
  sender.get();
}

TEST_F(UnixDatagramTest, a_wait_for_room_costs_no_processor) {
  DatagramSocket sink(at("sink"));
  DatagramSocket source(AF_UNIX);
  fill(source, at("sink"));
  const std::uint64_t before = Hub::current().stats().dispatches;
  EXPECT_THROW(source.send_to("x", at("sink"), 50ms), TimeoutError);
  EXPECT_LT(Hub::current().stats().dispatches - before, 20u);
}

TEST_F(UnixDatagramTest, a_sender_that_waits_hears_that_its_socket_or_the_receiver_is_closed) {
  DatagramSocket sink(at("sink"));
  DatagramSocket source(AF_UNIX);
  fill(source, at("sink"));
  auto closed = spawn([&] { EXPECT_THROW(source.send_to("x", at("sink")), Closed); });
  settle();
  source.close();
  closed.get();

  DatagramSocket other(AF_UNIX);
  auto refused =
      spawn([&] { return error_of([&] { other.send_to("x", at("sink"), 10s); }).value(); });
  settle();
  sink.close(); // which removes the path
  EXPECT_THAT(refused.get(), ::testing::AnyOf(ENOENT, ECONNREFUSED));
}

TEST_F(UnixDatagramTest, a_connected_sender_waits_too) {
  DatagramSocket sink(at("sink"));
  DatagramSocket source(AF_UNIX);
  source.connect(at("sink"));
  const int count = fill(source, at("sink"));
  EXPECT_THROW(source.send("x", 1ms), TimeoutError);
  auto sender = spawn([&] { source.send("the last", 10s); });
  settle();
  EXPECT_FALSE(sender.ready());
  for (int i = 0; i < count; ++i)
    receive(sink);
  EXPECT_EQ(receive(sink).text, "the last");
  sender.get();
}

TEST_F(UnixDatagramTest, the_path_has_its_mode_and_goes_with_the_socket) {
  {
    DatagramSocket socket(at("x"), {.mode = 0600});
    EXPECT_EQ(access((directory_.path() + "/x").c_str(), F_OK), 0);
    EXPECT_EQ(error_of([&] { DatagramSocket other(at("x")); }).value(), EADDRINUSE);
  }
  EXPECT_NE(access((directory_.path() + "/x").c_str(), F_OK), 0);
}

TEST_F(UnixDatagramTest, a_path_that_nobody_receives_on_is_taken_over) {
  DatagramSocket gone(at("x"));
  ::close(gone.release()); // as a process that was killed
  EXPECT_EQ(error_of([&] { DatagramSocket other(at("x"), {.replace_stale = false}); }).value(),
            EADDRINUSE);
  DatagramSocket socket(at("x"));
  DatagramSocket(AF_UNIX).send_to("x", at("x"));
  EXPECT_EQ(receive(socket).text, "x");
}

} // namespace
} // namespace grove::test
