// SPDX-License-Identifier: MIT
// Sockets: messages of several parts, and peers that come and go.
#include <grove/zmq/socket.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "sockets.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// pitfall 67
TEST_F(SocketTest, messages_of_several_senders_stay_whole) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  pull.set(option::rcvhwm, 2);
  push.set(option::sndhwm, 2); // everybody has to wait, again and again
  push.connect(pull.bind("inproc://here"));
  constexpr int senders = 20, each = 50;
  std::vector<GreenletRef<>> all;
  all.reserve(senders);
  for (int s = 0; s < senders; ++s) {
    all.push_back(spawn([&push, s] {
      for (int i = 0; i < each; ++i) {
        Multipart parts;
        for (int p = 0; p <= s % 5; ++p)
          parts.emplace_back(std::to_string(s));
        parts.emplace_back(std::to_string(i));
        push.send_multipart(std::move(parts));
        ASSERT_TRUE(parts.empty()); // NOLINT(bugprone-use-after-move): it says so
      }
    }));
  }
  std::vector<int> next(senders, 0);
  for (int n = 0; n < senders * each; ++n) {
    const std::vector<std::string> parts = texts(pull.recv_multipart());
    const int s = std::stoi(parts.front());
    ASSERT_EQ(parts.size(), static_cast<std::size_t>(s % 5 + 2));
    for (std::size_t p = 0; p + 1 < parts.size(); ++p)
      ASSERT_EQ(parts[p], parts.front());
    ASSERT_EQ(parts.back(), std::to_string(next[static_cast<std::size_t>(s)]++));
  }
  for (const auto& one : all)
    one.get();
}

TEST_F(SocketTest, a_message_of_parts_that_recv_cannot_return_is_dropped_whole) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  push.connect(pull.bind("inproc://here"));
  push.send_multipart({"one", "two", "three"});
  push.send("alone");
  try {
    static_cast<void>(pull.recv());
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::protocol_error);
    EXPECT_THAT(error.what(),
                HasSubstr("recv on PULL inproc://here: a message of 3 parts was dropped"));
  }
  EXPECT_EQ(pull.recv().text(), "alone");
}

TEST_F(SocketTest, a_message_without_parts_is_refused) {
  Socket push(context, SocketType::push);
  EXPECT_THROW(push.send_multipart(Multipart()), std::invalid_argument);
}

// A peer on a plain thread, which takes so many parts and goes.
std::vector<std::string> take_parts(void* context, int type, std::size_t count) {
  constexpr int patience = 10'000, plenty = 100'000, none = 0;
  void* peer = zmq_socket(context, type);
  zmq_setsockopt(peer, ZMQ_RCVTIMEO, &patience, sizeof patience);
  zmq_setsockopt(peer, ZMQ_RCVHWM, &plenty, sizeof plenty);
  zmq_setsockopt(peer, ZMQ_LINGER, &none, sizeof none);
  zmq_connect(peer, "inproc://here");
  std::vector<std::string> parts;
  while (parts.size() < count) {
    std::array<char, 16> part{};
    const int size = zmq_recv(peer, part.data(), part.size(), 0);
    if (size < 0)
      break;
    parts.emplace_back(part.data(), static_cast<std::size_t>(size));
  }
  zmq_close(peer);
  return parts;
}

// One peer after the other. That libzmq mixes up parts takes more (docs/zmq.md, "A known limit").
class OnePeerAtATime : public SocketTest,
                       public ::testing::WithParamInterface<std::pair<SocketType, int>> {};

// pitfall 67
TEST_P(OnePeerAtATime, never_gets_half_a_message) {
  const auto [type, theirs] = GetParam();
  Socket socket(context, type);
  socket.set(option::sndhwm, 10);
  socket.bind("inproc://here");
  std::atomic<bool> gone = false;
  std::atomic<int> refused = 0;
  const std::jthread peers([&, peer_type = theirs](const std::stop_token& stop) {
    bool whole = true;
    for (int round = 0; round < 100 && whole; ++round) {
      std::string text;
      for (const std::string& part : take_parts(context.native_handle(), peer_type, 30))
        text += part;
      whole = text == "abcdeabcdeabcdeabcdeabcdeabcde";
      EXPECT_TRUE(whole) << "round " << round << ": " << text;
      // The next one comes when the sender stands in line: nobody who has left is written to.
      for (const int before = refused; refused == before && !stop.stop_requested();)
        std::this_thread::yield();
    }
    gone = true;
  });
  const auto sender = spawn([&] {
    for (;;)
      socket.send_multipart({"a", "b", "c", "d", "e"});
  });
  while (!gone) {
    if (!socket.try_send_multipart(multipart("a", "b", "c", "d", "e")))
      ++refused;
    sleep(200us);
  }
  sender.kill();
  sender.join();
}

INSTANTIATE_TEST_SUITE_P(Zmq, OnePeerAtATime,
                         ::testing::Values(std::pair(SocketType::push, ZMQ_PULL),
                                           std::pair(SocketType::dealer, ZMQ_DEALER)),
                         [](const auto& instance) {
                           return std::string(name_of(instance.param.first));
                         });

TEST_F(SocketTest, peers_that_come_and_go_get_messages_of_one_part_once_and_in_order) {
  Socket push(context, SocketType::push);
  push.set(option::sndhwm, 10);
  push.bind("inproc://here");
  std::atomic<int> left = 4;
  std::array<std::vector<int>, 4> taken;
  std::vector<std::jthread> peers;
  peers.reserve(taken.size());
  for (std::vector<int>& mine : taken) {
    peers.emplace_back([&] {
      bool fine = true;
      for (int round = 0; round < 100 && fine; ++round) {
        const auto parts = take_parts(context.native_handle(), ZMQ_PULL, 6);
        fine = parts.size() == 6;
        EXPECT_TRUE(fine) << "round " << round;
        for (const std::string& part : parts)
          mine.push_back(std::stoi(part));
      }
      --left;
    });
  }
  int number = 0;
  while (left > 0) {
    try {
      push.send(std::to_string(number), 1ms);
      ++number;
    } catch (const TimeoutError&) { // nobody is there
    }
  }
  peers.clear();
  std::vector<int> all;
  for (const std::vector<int>& one : taken) {
    EXPECT_TRUE(std::ranges::is_sorted(one));
    all.insert(all.end(), one.begin(), one.end());
  }
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

} // namespace
} // namespace grove::zmq
