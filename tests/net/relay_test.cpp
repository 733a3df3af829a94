// SPDX-License-Identifier: MIT
// copy and relay: all bytes, half-closes, errors, a forwarder between real programs.
#include <cerrno>
#include <string>
#include <utility>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/hub/process.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/detail/buffer.hpp>
#include <grove/net/pipe_stream.hpp>
#include <grove/net/relay.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"
#include "../support/memory_stream.hpp"
#include "../support/pipe_files.hpp"

namespace grove::test {
namespace {

class RelayTest : public HubTest {
protected:
  // What is between the two is relayed.
  Connected left_ = Connected::tcp();
  Connected right_ = Connected::unix_pair();
  net::StreamSocket& client_ = left_.client;
  net::StreamSocket& service_ = right_.server;
  GreenletRef<net::Relayed> relay_;
  void SetUp() override {
    HubTest::SetUp();
    relay_ = spawn([this] { return relay(left_.server, right_.client); });
  }
  void TearDown() override {
    relay_.kill();
    HubTest::TearDown();
  }
};

TEST_F(RelayTest, copy_goes_to_the_end) {
  const std::string text(100'000, 't');
  MemoryStream from(text, [] { return std::size_t{777}; });
  MemoryStream to({});
  EXPECT_EQ(net::copy(from, to), text.size());
  EXPECT_EQ(to.sent, text);
}

TEST_F(RelayTest, bytes_go_both_ways_and_each_way_ends_for_itself) {
  const std::string large(3 << 20, 'l');
  auto sender = spawn([&] {
    client_.send_all(large);
    client_.shutdown_write();
  });
  EXPECT_EQ(service_.recv_exactly(large.size()), large);
  EXPECT_EQ(service_.recv(1), "") << "the half-close was passed on";
  EXPECT_FALSE(relay_.ready());
  service_.send_all("the answer");
  EXPECT_EQ(client_.recv_exactly(10), "the answer");
  service_.shutdown_write();
  EXPECT_EQ(client_.recv(1), "");
  const net::Relayed count = relay_.get();
  EXPECT_EQ(count.forth, large.size());
  EXPECT_EQ(count.back, 10u);
  sender.get();
  EXPECT_TRUE(left_.server.is_open());
}

TEST_F(RelayTest, an_error_of_one_way_ends_the_other) {
  client_.reset_on_close();
  settle();
  client_.close();
  EXPECT_EQ(error_of([&] { relay_.get(); }).value(), ECONNRESET);
  right_.client.close();
  EXPECT_EQ(service_.recv(1), "");
}

TEST_F(RelayTest, a_kill_ends_both_ways) {
  settle();
  relay_.kill();
  left_.server.send_all("still mine");
  EXPECT_EQ(client_.recv_exactly(10), "still mine");
}

TEST_F(RelayTest, the_deadline_is_one_for_all_of_it) {
  Connected third = Connected::unix_pair();
  Connected fourth = Connected::unix_pair();
  EXPECT_THROW(net::relay(third.server, fourth.client, 5ms), TimeoutError);
  EXPECT_THROW(net::copy(third.server, fourth.client, 5ms), TimeoutError);
  auto dripper = spawn([&] {
    for (;;) {
      third.client.send_all("x");
      sleep(1ms);
    }
  });
  EXPECT_THROW(net::copy(third.server, fourth.client, 30ms), TimeoutError);
  dripper.kill();
}

TEST_F(RelayTest, an_idle_one_has_no_buffer) {
  client_.send_all("x");
  service_.recv_exactly(1);
  settle();
  const std::size_t spare = net::detail::spare_buffers();
  EXPECT_GT(spare, 0u);
  client_.send_all("y");
  service_.recv_exactly(1);
  settle();
  EXPECT_EQ(net::detail::spare_buffers(), spare);
}

TEST_F(RelayTest, netcat_talks_to_a_child_through_a_forwarder) {
  net::Listener listener(net::Address::loopback());
  auto forwarder = spawn([&] {
    net::StreamSocket socket = listener.accept(60s);
    Process tr({"tr", "a-z", "A-Z"}, {.in = Stdio::pipe(), .out = Stdio::pipe()});
    net::PipeStream child(std::move(tr.out()), std::move(tr.in()), "tr");
    const net::Relayed count = net::relay(socket, child, 60s);
    EXPECT_EQ(count.forth, count.back);
  });
  EXPECT_EQ(check_output({"nc", "-N", "127.0.0.1", std::to_string(listener.local_address().port())},
                         {.in = Stdio::pipe()}, "hello\nthere\n", 60s),
            "HELLO\nTHERE\n");
  forwarder.get();
}

} // namespace
} // namespace grove::test
