// SPDX-License-Identifier: MIT
// A fake socket under the ZMQ_EVENTS protocol, which swallows its events whenever it can.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "../support/hub_test.hpp"
#include "edge.hpp"

namespace grove::zmq::detail {

// Walks all ways through a program that asks "which of n?": each run replays a path and takes the
// first branch beyond it; next() goes on to the path after it.
class Choices {
public:
  std::size_t operator()(std::size_t n) {
    if (n < 2)
      return 0;
    if (at_ == path_.size())
      path_.push_back({0, n});
    return path_[at_++].pick;
  }
  bool next() {
    at_ = 0;
    while (!path_.empty() && path_.back().pick + 1 == path_.back().of)
      path_.pop_back();
    if (path_.empty())
      return false;
    ++path_.back().pick;
    return true;
  }
  std::string text() const {
    std::string result;
    for (const auto& step : path_)
      result += std::to_string(step.pick) + " ";
    return result;
  }

private:
  struct Step {
    std::size_t pick, of;
  };
  std::vector<Step> path_;
  std::size_t at_ = 0;
};

// What libzmq does, as far as the protocol can tell. The peer's acts become commands; commands
// become messages and room when they are handled; the descriptor is readable while there are
// commands. With choices, the peer acts at any moment it can, and every operation handles the
// commands or leaves them, as it chooses.
class FakeSocket final : public Port {
public:
  explicit FakeSocket(Choices* choose = nullptr) : choose_(choose) {}

  int messages = 0;                   // ready to be received
  int room = 0;                       // for messages to be sent
  int new_messages = 0, new_room = 0; // commands
  int peer_sends = 0, peer_takes = 0; // what the peer has still to do
  bool says_readable = false;         // ZMQ_EVENTS of what has no message for who is served
  bool says_writable = false;         // ZMQ_EVENTS of a mandatory ROUTER with one full peer
  bool watched = false;
  bool reminds = false; // has been asked for Edge::on_reminder()
  bool gathers = false; // whoever may pause does
  int looks = 0, attempts = 0, starts = 0;

  bool readable() const { return new_messages + new_room > 0; }
  void handle() {
    messages += std::exchange(new_messages, 0);
    room += std::exchange(new_room, 0);
  }
  void peer_acts(bool sends) {
    if (sends)
      --peer_sends, ++new_messages;
    else
      --peer_takes, ++new_room;
  }

  Attempt try_receive() noexcept { return attempt(messages); }
  Attempt try_send() noexcept { return attempt(room); }

  unsigned events() noexcept override {
    ++looks;
    peer_may_act();
    handle();
    const unsigned ready =
        (messages > 0 || says_readable ? 1U : 0U) | (room > 0 || says_writable ? 2U : 0U);
    peer_may_act();
    return ready;
  }
  void watch(bool on) noexcept override {
    EXPECT_TRUE(!on || !watched);
    watched = on;
    if (on)
      ++starts;
    else
      reminds = false;
  }
  void remind(std::chrono::nanoseconds) noexcept override { reminds = true; }
  std::chrono::nanoseconds pause(Direction) noexcept override {
    return gathers ? std::chrono::milliseconds(1) : std::chrono::nanoseconds(0);
  }

private:
  Attempt attempt(int& supply) noexcept {
    ++attempts;
    peer_may_act();
    may_handle();
    if (supply == 0)
      return Attempt::again;
    --supply;
    peer_may_act();
    may_handle();
    return Attempt::done;
  }
  void may_handle() {
    if (choose_ != nullptr && readable() && (*choose_)(2) == 1)
      handle();
  }
  void peer_may_act() {
    if (choose_ == nullptr)
      return;
    const std::size_t kinds = 1 + (peer_sends > 0 ? 1U : 0U) + (peer_takes > 0 ? 1U : 0U);
    const std::size_t pick = (*choose_)(kinds);
    if (pick != 0)
      peer_acts(peer_sends > 0 && pick == 1);
  }

  Choices* choose_;
};

// One blocking operation, as Socket does it.
inline Outcome operate(Edge& edge, FakeSocket& fake, Direction d, Deadline deadline = {}) {
  auto attempt = [&]() noexcept {
    return d == Direction::receive ? fake.try_receive() : fake.try_send();
  };
  const Outcome first = edge.first(d, attempt);
  return first == Outcome::done ? first : edge.wait(d, "test", deadline, attempt, first);
}

// An operation of wait_any(), as Socket's are made.
class FakeOp : public grove::detail::Operation {
public:
  using Result = void;
  FakeOp(Edge& edge, FakeSocket& fake, Direction d)
      : edge_(edge), fake_(fake), direction_(d), errand_{AttemptRef(*this)} {
    waiter_.item = &errand_;
  }
  Attempt operator()() noexcept {
    const Attempt result =
        direction_ == Direction::receive ? fake_.try_receive() : fake_.try_send();
    done_ = result == Attempt::done;
    return result;
  }
  bool ready() { return edge_.try_now(direction_, errand_); }
  void arm() { edge_.stand(direction_, waiter_, errand_); }
  void disarm() { edge_.leave(direction_, waiter_, errand_); }
  void take() {}
  bool done() const { return done_; } // else it is closed
  static constexpr const char* name = "test";

private:
  Edge& edge_;
  FakeSocket& fake_;
  Direction direction_;
  Errand errand_;
  bool done_ = false;
};

class FakeReadyOp : public grove::detail::Operation {
public:
  using Result = void;
  FakeReadyOp(Edge& edge, Direction d) : edge_(edge), direction_(d) {}
  bool ready() { return edge_.is_ready(direction_, seen_); }
  void arm() { edge_.stand_by(direction_, waiter_, seen_); }
  void disarm() { edge_.leave(waiter_); }
  void take() {}
  static constexpr const char* name = "test";

private:
  Edge& edge_;
  Direction direction_;
  std::uint64_t seen_ = 0;
};

class EdgeTest : public test::HubTest {};

} // namespace grove::zmq::detail
