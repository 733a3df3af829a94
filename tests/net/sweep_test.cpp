// SPDX-License-Identifier: MIT
// The kill-and-timeout sweep with scenarios of grove::net.
//
// reliability 8, 9
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <grove/net/connect.hpp>
#include <grove/net/datagram_server.hpp>
#include <grove/net/datagram_socket.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/stream_socket.hpp>

#include "../hub/sweep_test.cpp" // NOLINT: the same tests, of what is listed here
#include "../support/connected.hpp"
#include "../support/datagrams.hpp"
#include "../support/open_descriptors.hpp"

namespace grove::test {
namespace {

constexpr int messages = 4;

std::string message(int i) { return "message " + std::to_string(i) + "\n"; }

// What the victim has not received is still there for the next.
class Receiving : public Scenario {
  void begin() override {
    sender_ = spawn([this] {
      for (int i = 0; i < messages; ++i) {
        ends_.client.send_all(message(i).substr(0, 5));
        settle(3);
        ends_.client.send_all(message(i).substr(5));
        settle(3);
      }
    });
  }
  void victim() override { receive(); }
  void check() override {
    receive();
    for (int i = 0; i < messages; ++i)
      EXPECT_EQ(taken_[static_cast<std::size_t>(i)], message(i));
    sender_.get();
  }
  void receive() {
    while (taken_.size() < messages)
      taken_.push_back(ends_.server.recv_exactly(message(0).size()));
  }
  Connected ends_ = Connected::tcp();
  std::vector<std::string> taken_;
  GreenletRef<> sender_;
};

// What send() has said it sent arrives, and nothing else.
class Sending : public Scenario {
  void begin() override {
    receiver_ = spawn([this] {
      while (const std::size_t n = ends_.server.recv_into(block_))
        received_ += n;
    });
  }
  void victim() override {
    const std::string much(300'000, 's');
    for (int i = 0; i < messages; ++i)
      sent_ += ends_.client.send(much);
  }
  void check() override {
    ends_.client.close();
    receiver_.get();
    EXPECT_EQ(received_, sent_);
  }
  Connected ends_ = Connected::unix_pair();
  std::vector<char> block_ = std::vector<char>(65536);
  std::size_t sent_ = 0, received_ = 0;
  GreenletRef<> receiver_;
};

// Connects and accepts: no descriptor is left, however it ends.
class Meeting : public Scenario {
  void begin() override {
    server_ = spawn([this] {
      for (;;)
        listener_.accept().send_all("welcome");
    });
    settle();
    descriptors_ = open_descriptors().size();
  }
  void victim() override {
    for (int i = 0; i < messages; ++i) {
      StreamSocket client = net::connect(listener_.local_address());
      EXPECT_EQ(client.recv_exactly(7), "welcome");
      EXPECT_EQ(client.recv(1), "");
    }
  }
  void check() override {
    for (int i = 0; i < 1000 && open_descriptors().size() > descriptors_; ++i)
      sleep(1ms); // the server has the last one still
    EXPECT_EQ(open_descriptors().size(), descriptors_);
    net::connect(listener_.local_address(), 10s).recv_exactly(7);
    server_.kill();
    EXPECT_FALSE(listener_.try_accept());
  }
  using StreamSocket = net::StreamSocket;
  net::Listener listener_{net::Address::loopback()};
  std::size_t descriptors_ = 0;
  GreenletRef<> server_;
};

// A server's answers: what send_to() has sent arrives once and in order, what it was interrupted in
// not at all.
class Answering : public Scenario {
  void begin() override {
    while (server_.try_send_to("filling", sink_.local_address())) {
    }
    receiver_ = spawn([this] {
      for (std::string text; (text = receive(sink_).text) != "the end"; settle(3)) {
        if (text != "filling")
          received_.push_back(text);
      }
    });
  }
  void victim() override {
    for (int i = 0; i < messages; ++i) {
      server_.send_to(message(i), sink_.local_address());
      sent_.push_back(message(i));
    }
  }
  void check() override {
    server_.send_to("the end", sink_.local_address());
    receiver_.get();
    EXPECT_EQ(received_, sent_);
  }
  net::DatagramSocket sink_{
      net::Address::unix_path("@grove-answering-" + std::to_string(getpid()))};
  net::DatagramServer server_{net::DatagramSocket(AF_UNIX), [](std::string_view) {}};
  std::vector<std::string> sent_, received_;
  GreenletRef<> receiver_;
};

[[maybe_unused]] const bool added =
    add_scenarios({scenario_row<Receiving>("receiving"), scenario_row<Sending>("sending"),
                   scenario_row<Meeting>("meeting"), scenario_row<Answering>("answering")});

} // namespace
} // namespace grove::test
