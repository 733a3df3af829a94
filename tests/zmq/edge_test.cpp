// SPDX-License-Identifier: MIT
// The ZMQ_EVENTS protocol against a fake socket that swallows its events whenever it can.
#include "edge.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq::detail {
namespace {

using namespace std::chrono_literals;
using test::settle;

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
    const unsigned ready = (messages > 0 ? 1U : 0U) | (room > 0 || says_writable ? 2U : 0U);
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
Outcome operate(Edge& edge, FakeSocket& fake, Direction d, Deadline deadline = {}) {
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

struct Scenario {
  const char* name;
  // A greenlet each: r and s call, R and S have one operation, E waits for both, l and L are like R
  // and S but have an event beside it, w and W wait until receiving, or sending, is possible.
  std::string_view greenlets;
  int messages, room; // what the peer gives
  int each = 1;       // operations of each greenlet
  bool kill = false;  // one of the greenlets, at some moment
  bool close = false; // the socket, at some moment
  bool gathers = false;
};

Scenario gathering(Scenario scenario) {
  scenario.gathers = true;
  return scenario;
}

void PrintTo(const Scenario&, std::ostream* out) { *out << "as named"; }

constexpr unsigned wants(char kind) { // bits of ZMQ_EVENTS
  return kind == 'E' ? 3U : kind == 's' || kind == 'S' || kind == 'L' || kind == 'W' ? 2U : 1U;
}

// One run along a path of choices. Empty if all is well.
std::string run(const Scenario& scenario, Choices& choose) {
  FakeSocket fake(&choose);
  fake.peer_sends = scenario.messages;
  fake.peer_takes = scenario.room;
  fake.gathers = scenario.gathers;
  Edge edge(fake);
  Event over;
  int received = 0, sent = 0;
  const auto work = [&](char kind) {
    for (int i = 0; i < scenario.each && !edge.closed(); ++i) {
      FakeOp receive(edge, fake, Direction::receive), send(edge, fake, Direction::send);
      switch (kind) {
      case 'r':
        received += operate(edge, fake, Direction::receive) == Outcome::done;
        break;
      case 's':
        sent += operate(edge, fake, Direction::send) == Outcome::done;
        break;
      case 'R':
        wait_any(receive);
        break;
      case 'S':
        wait_any(send);
        break;
      case 'E':
        wait_any(receive, send);
        break;
      case 'l':
        wait_any(receive, over.wait_op());
        break;
      case 'L':
        wait_any(send, over.wait_op());
        break;
      default:
        wait_any(FakeReadyOp(edge, wants(kind) == 1 ? Direction::receive : Direction::send));
      }
      received += receive.done();
      sent += send.done();
    }
  };
  std::vector<GreenletRef<>> all;
  all.reserve(5);
  for (const char kind : scenario.greenlets)
    all.push_back(spawn(work, kind));
  GreenletRef<> victim;
  if (scenario.kill)
    victim = all[choose(all.size())];
  bool may_lose = scenario.greenlets.find_first_of("lL") != std::string_view::npos;
  bool may_close = scenario.close;

  // The hub: it polls, the peer acts, the victim is killed, in any order.
  for (;;) {
    yield();
    yield();
    enum class Act { poll, remind, send, take, kill, lose, close };
    std::vector<Act> acts;
    if (fake.watched && fake.readable())
      acts.push_back(Act::poll);
    if (fake.reminds)
      acts.push_back(Act::remind);
    if (fake.peer_sends > 0)
      acts.push_back(Act::send);
    if (fake.peer_takes > 0)
      acts.push_back(Act::take);
    if (victim)
      acts.push_back(Act::kill);
    if (may_lose)
      acts.push_back(Act::lose);
    if (may_close)
      acts.push_back(Act::close);
    if (acts.empty())
      break;
    switch (acts[choose(acts.size())]) {
    case Act::poll:
      edge.on_readable();
      break;
    case Act::remind:
      fake.reminds = false;
      edge.on_reminder();
      break;
    case Act::send:
      fake.peer_acts(true);
      break;
    case Act::take:
      fake.peer_acts(false);
      break;
    case Act::kill:
      std::exchange(victim, {}).kill_nowait();
      break;
    case Act::lose:
      may_lose = false;
      over.set();
      break;
    case Act::close:
      may_close = false;
      edge.close();
      break;
    }
  }
  settle();

  std::string wrong;
  const unsigned there =
      (fake.messages + fake.new_messages > 0 ? 1U : 0U) | (fake.room + fake.new_room > 0 ? 2U : 0U);
  bool waiting = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const char kind = scenario.greenlets[i];
    if (all[i].ready())
      continue;
    waiting = true;
    if (scenario.close)
      wrong += std::string("not closed: ") + kind + " ";
    else if ((wants(kind) & there) != 0)
      wrong += std::string("stalled: ") + kind + " ";
  }
  if (received + fake.messages + fake.new_messages != scenario.messages)
    wrong += "message lost ";
  if (sent + fake.room + fake.new_room != scenario.room)
    wrong += "room lost ";
  if (fake.watched != waiting || fake.reminds)
    wrong += "watch left wrong ";
  edge.close();
  for (const auto& greenlet : all)
    greenlet.join();
  return wrong;
}

class EdgeTest : public test::HubTest {};

class EveryInterleaving : public EdgeTest, public ::testing::WithParamInterface<Scenario> {};

// pitfall 64, 66
TEST_P(EveryInterleaving, loses_no_wake_up) {
  constexpr int cap = test::sanitized ? 20'000 : 400'000;
  Choices choose;
  int runs = 0;
  do {
    const std::string wrong = run(GetParam(), choose);
    ASSERT_EQ(wrong, "") << "after the choices " << choose.text();
  } while (choose.next() && ++runs < cap);
  RecordProperty("runs", runs);
  if (!test::sanitized) {
    EXPECT_LT(runs, cap) << "not all interleavings were walked";
  }
}

INSTANTIATE_TEST_SUITE_P(
    edge, EveryInterleaving,
    ::testing::Values(
        Scenario{"a_receiver_a_sender", "rs", 1, 1}, Scenario{"twice_each", "rs", 2, 2, 2},
        Scenario{"receivers", "rrr", 3, 0}, Scenario{"senders", "sss", 0, 3},
        Scenario{"two_receivers_a_sender_twice", "rrs", 3, 1, 2},
        Scenario{"a_receiver_two_senders", "rss", 2, 2}, Scenario{"two_of_each", "rrss", 2, 1},
        Scenario{"twice_and_a_kill", "rs", 2, 1, 2, true},
        Scenario{"receivers_a_sender_a_kill", "rrs", 2, 1, 1, true},
        Scenario{"a_receiver_senders_a_kill", "rss", 1, 2, 1, true},
        Scenario{"operations", "RS", 1, 1}, Scenario{"operations_in_one_line", "RR", 2, 0},
        Scenario{"an_operation_before_a_call", "Rr", 2, 0},
        Scenario{"an_operation_behind_a_call", "rR", 2, 0},
        Scenario{"an_operation_beside_a_call", "rS", 1, 1}, Scenario{"either", "E", 1, 1},
        Scenario{"either_beside_a_receiver", "Er", 1, 1},
        Scenario{"either_behind_a_sender", "sE", 1, 1}, Scenario{"two_of_either", "EE", 1, 1},
        Scenario{"one_that_may_lose", "ls", 1, 1},
        Scenario{"one_that_may_lose_and_one", "lr", 1, 0},
        Scenario{"senders_that_may_lose", "LS", 0, 1},
        Scenario{"operations_and_a_kill", "RS", 1, 1, 1, true},
        Scenario{"operations_in_one_line_and_a_kill", "RR", 1, 0, 1, true},
        Scenario{"an_operation_a_call_a_kill", "Rr", 1, 0, 1, true},
        Scenario{"either_and_a_kill", "Es", 1, 1, 1, true},
        Scenario{"operations_and_the_end", "RS", 1, 1, 1, false, true},
        Scenario{"calls_and_the_end", "rs", 1, 1, 1, false, true}, Scenario{"watchers", "wW", 1, 1},
        Scenario{"a_watcher_and_a_receiver", "wr", 1, 0},
        Scenario{"a_receiver_and_a_watcher", "rw", 2, 0},
        Scenario{"a_watcher_and_a_sender", "ws", 1, 1},
        Scenario{"a_watcher_and_an_operation", "Rw", 2, 0},
        Scenario{"a_watcher_beside_an_operation", "wS", 1, 1},
        Scenario{"a_watcher_and_a_kill", "ws", 1, 1, 1, true},
        Scenario{"a_watcher_and_the_end", "wr", 1, 0, 1, false, true},
        gathering({"a_receiver_gathers", "r", 2, 0, 2}),
        gathering({"a_receiver_gathers_beside_a_sender", "rs", 1, 1}),
        gathering({"receivers_gather", "rr", 2, 0, 1}),
        gathering({"receivers_gather_beside_a_sender_and_a_kill", "rrs", 2, 1, 1, true}),
        gathering({"a_receiver_gathers_and_a_kill", "rs", 2, 1, 2, true}),
        gathering({"a_receiver_gathers_and_the_end", "rs", 1, 1, 1, false, true}),
        gathering({"an_operation_joins_who_gathers", "rR", 2, 0}),
        gathering({"an_operation_joins_who_gathers_and_a_kill", "rS", 1, 1, 1, true}),
        gathering({"one_that_may_lose_joins_who_gathers", "rl", 1, 0}),
        gathering({"either_joins_who_gathers", "rE", 1, 1}),
        gathering({"a_watcher_joins_who_gathers", "rw", 2, 0}),
        gathering({"watchers_join_who_gathers_and_a_kill", "rW", 1, 1, 1, true})),
    [](const auto& instance) { return std::string(instance.param.name); });

// Decision 28: reading ZMQ_EVENTS costs more than sending does.
TEST_F(EdgeTest, does_not_look_while_nobody_waits) {
  FakeSocket fake;
  Edge edge(fake);
  fake.messages = fake.room = 200;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(operate(edge, fake, Direction::receive), Outcome::done);
    EXPECT_EQ(operate(edge, fake, Direction::send), Outcome::done);
  }
  EXPECT_EQ(fake.looks, 0);
  EXPECT_EQ(fake.starts, 0);
}

// Its attempt has handled the commands already.
TEST_F(EdgeTest, a_receiver_parks_without_a_look_unless_somebody_waits_to_send) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_EQ(fake.looks, 0);
  EXPECT_TRUE(fake.watched);
  receiver.kill();

  const auto sender = spawn([&] { return operate(edge, fake, Direction::send); });
  settle();
  fake.room = 1; // as if the receiver's attempt below had handled the command: no edge comes
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(0s)), Outcome::timeout);
  settle();
  ASSERT_TRUE(sender.ready());
  EXPECT_EQ(sender.get(), Outcome::done);
}

// pitfall 64
TEST_F(EdgeTest, what_was_tried_before_a_yield_is_tried_again) {
  FakeSocket fake;
  Edge edge(fake);
  fake.messages = static_cast<int>(Edge::operations_per_turn) - 1;
  while (fake.messages > 0)
    operate(edge, fake, Direction::receive);
  const auto other_one = spawn([&] { fake.messages = 1; }); // as if a send had: no edge comes
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(5s)), Outcome::done);
  other_one.join();
}

// pitfall 64
TEST_F(EdgeTest, a_kill_at_a_yield_after_an_attempt_leaves_the_others_their_news) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  fake.room = static_cast<int>(Edge::operations_per_turn) - 2; // the receiver has tried once
  const auto sender = spawn([&] {
    while (fake.room > 0)
      operate(edge, fake, Direction::send);
    fake.messages = 1; // as if the send below had handled the command: no edge comes
    operate(edge, fake, Direction::send);
  });
  yield();
  ASSERT_EQ(fake.room, 0);
  ASSERT_FALSE(sender.ready());
  sender.kill();
  settle();
  ASSERT_TRUE(receiver.ready());
  EXPECT_EQ(receiver.get(), Outcome::done);
}

// pitfall 64
TEST_F(EdgeTest, an_operation_looks_for_who_waits_in_the_other_direction) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_TRUE(fake.watched);
  fake.room = 1;
  fake.messages = 1; // as if the send below had handled the command: no edge comes
  EXPECT_EQ(operate(edge, fake, Direction::send), Outcome::done);
  settle();
  ASSERT_TRUE(receiver.ready());
  EXPECT_FALSE(fake.watched);
}

// pitfall 64
TEST_F(EdgeTest, an_attempt_that_does_not_wait_looks_for_the_others) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  fake.messages = 1;
  auto attempt = [&]() noexcept { return fake.try_send(); };
  EXPECT_EQ(edge.try_once(Direction::send, attempt), Outcome::again);
  settle();
  EXPECT_TRUE(receiver.ready());
}

TEST_F(EdgeTest, nobody_overtakes_the_line) {
  FakeSocket fake;
  Edge edge(fake);
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  all.reserve(5);
  const auto receive = [&](int i) {
    operate(edge, fake, Direction::receive);
    order.push_back(i);
  };
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn(receive, i));
  settle();
  fake.new_messages = 5;
  edge.on_readable(); // the first has the turn, and has not run yet
  auto attempt = [&]() noexcept { return fake.try_receive(); };
  EXPECT_EQ(edge.try_once(Direction::receive, attempt), Outcome::busy);
  for (int i = 3; i < 5; ++i)
    all.push_back(spawn(receive, i));
  join_all(all);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(EdgeTest, who_is_granted_the_turn_and_finds_nothing_keeps_the_first_place) {
  FakeSocket fake;
  Edge edge(fake);
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  all.reserve(5);
  for (int i = 0; i < 2; ++i) {
    all.push_back(spawn([&, i] {
      operate(edge, fake, Direction::receive);
      order.push_back(i);
    }));
  }
  settle();
  fake.new_messages = 1;
  edge.on_readable();
  fake.messages = 0; // a filter took it
  settle();
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(edge.counts().wake_ups, 1U);
  EXPECT_EQ(edge.counts().spurious, 1U);
  fake.new_messages = 2;
  edge.on_readable();
  join_all(all);
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
}

TEST_F(EdgeTest, a_kill_after_the_turn_was_granted_comes_too_late) {
  FakeSocket fake;
  Edge edge(fake);
  Outcome outcome = Outcome::again;
  const auto receiver = spawn([&] { outcome = operate(edge, fake, Direction::receive); });
  settle();
  fake.new_messages = 1;
  edge.on_readable();
  receiver.kill();
  EXPECT_EQ(outcome, Outcome::done);
  EXPECT_EQ(fake.messages, 0);
}

TEST_F(EdgeTest, a_kill_after_an_operation_was_done_comes_too_late) {
  FakeSocket fake;
  Edge edge(fake);
  FakeOp receive(edge, fake, Direction::receive);
  bool returned = false;
  const auto receiver = spawn([&] {
    wait_any(receive);
    returned = true;
  });
  settle();
  fake.new_messages = 1;
  edge.on_readable();
  EXPECT_TRUE(receive.done()); // before its greenlet runs
  EXPECT_EQ(fake.messages, 0);
  receiver.kill();
  EXPECT_TRUE(returned);
}

// The first operation's look is old when the second has made its attempt.
TEST_F(EdgeTest, operations_of_one_wait_do_not_swallow_each_others_news) {
  FakeSocket fake;
  Edge edge(fake);
  FakeOp receive(edge, fake, Direction::receive), send(edge, fake, Direction::send);
  receive.reset();
  send.reset();
  EXPECT_FALSE(receive.ready());
  fake.new_messages = 1;
  EXPECT_FALSE(send.ready()); // handles the command
  EXPECT_FALSE(fake.readable());
  receive.arm();
  send.arm();
  EXPECT_TRUE(fake.reminds);
  receive.disarm();
  send.disarm();
  EXPECT_FALSE(fake.reminds);
}

// A mandatory ROUTER, again.
TEST_F(EdgeTest, events_that_contradict_an_operation_do_not_spin) {
  FakeSocket fake;
  Edge edge(fake);
  fake.says_writable = true;
  FakeOp send(edge, fake, Direction::send);
  const auto sender = spawn([&] { wait_any(send); });
  settle();
  const int attempts = fake.attempts;
  settle(100);
  EXPECT_EQ(fake.attempts, attempts);
  ASSERT_TRUE(std::exchange(fake.reminds, false));
  edge.on_reminder();
  EXPECT_LT(fake.attempts - attempts, 5);
  EXPECT_TRUE(fake.reminds);
  fake.room = 1;
  edge.on_reminder();
  sender.get();
  EXPECT_TRUE(send.done());
}

TEST_F(EdgeTest, whoever_times_out_leaves_the_line) {
  FakeSocket fake;
  Edge edge(fake);
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(0s)), Outcome::timeout);
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(1ms)), Outcome::timeout);
  EXPECT_FALSE(fake.watched);
  fake.messages = 1;
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(0s)), Outcome::done);
}

// pitfall 65: a level-triggered watch that nobody needs would spin.
TEST_F(EdgeTest, watches_only_while_somebody_waits) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { operate(edge, fake, Direction::receive); });
  const auto sender = spawn([&] { operate(edge, fake, Direction::send); });
  settle();
  EXPECT_TRUE(fake.watched);
  receiver.kill();
  EXPECT_TRUE(fake.watched);
  sender.kill();
  EXPECT_FALSE(fake.watched);
}

// pitfall 49
TEST_F(EdgeTest, who_never_has_to_wait_yields_after_a_budget) {
  FakeSocket fake;
  Edge edge(fake);
  fake.messages = static_cast<int>(4 * Edge::operations_per_turn);
  int turns = 0;
  bool stop = false;
  const auto other_one = spawn([&] {
    while (!stop) {
      ++turns;
      yield();
    }
  });
  for (int i = 0; i < static_cast<int>(4 * Edge::operations_per_turn); ++i) {
    EXPECT_EQ(operate(edge, fake, Direction::receive), Outcome::done);
  }
  EXPECT_EQ(turns, 3);
  stop = true;
  other_one.join();
}

TEST_F(EdgeTest, closing_wakes_everybody_also_who_has_the_turn) {
  FakeSocket fake;
  Edge edge(fake);
  std::vector<GreenletRef<Outcome>> all;
  all.reserve(5);
  for (int i = 0; i < 3; ++i) {
    all.push_back(spawn([&] { return operate(edge, fake, Direction::receive); }));
  }
  all.push_back(spawn([&] { return operate(edge, fake, Direction::send); }));
  settle();
  fake.new_messages = 1;
  edge.on_readable();
  edge.close();
  EXPECT_FALSE(fake.watched);
  for (const auto& one : all)
    EXPECT_EQ(one.get(), Outcome::closed);
}

// A ROUTER with router_mandatory: ZMQ_EVENTS says that some peer has room, this one has not.
TEST_F(EdgeTest, events_that_contradict_the_operation_do_not_spin) {
  FakeSocket fake;
  Edge edge(fake);
  fake.says_writable = true;
  const auto sender = spawn([&] { return operate(edge, fake, Direction::send); });
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  const int attempts = fake.attempts;
  settle(100);
  EXPECT_LT(fake.attempts - attempts, 20); // a glance or two, not a hundred
  EXPECT_FALSE(sender.ready());
  fake.new_room = 1;
  edge.on_readable();
  EXPECT_EQ(sender.get(), Outcome::done);
  receiver.kill();
}

TEST_F(EdgeTest, contradicted_events_that_are_swallowed_are_found_by_a_glance) {
  FakeSocket fake;
  Edge edge(fake);
  fake.says_writable = true;
  const auto sender = spawn([&] { return operate(edge, fake, Direction::send); });
  settle();
  fake.room = 1; // and nobody says so
  settle();
  ASSERT_FALSE(sender.ready());
  ASSERT_TRUE(fake.reminds);
  edge.on_reminder();
  EXPECT_EQ(sender.get(), Outcome::done);
  EXPECT_EQ(edge.counts().glances, 1U);
}

// -- gathering -----------------------------------------------------------------------------------

TEST_F(EdgeTest, who_gathers_is_woken_by_the_reminder_alone) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_FALSE(fake.watched);
  ASSERT_TRUE(std::exchange(fake.reminds, false));
  fake.new_messages = 3;
  edge.on_reminder();
  EXPECT_EQ(receiver.get(), Outcome::done);
  EXPECT_EQ(fake.messages, 2);
  EXPECT_EQ(fake.starts, 0);
  EXPECT_EQ(edge.counts().gathers, 1U);
  EXPECT_EQ(edge.counts().glances, 0U);
}

TEST_F(EdgeTest, who_gathers_nothing_watches) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  ASSERT_TRUE(std::exchange(fake.reminds, false));
  edge.on_reminder();
  settle();
  EXPECT_FALSE(receiver.ready());
  EXPECT_TRUE(fake.watched);
  EXPECT_FALSE(fake.reminds);
  fake.new_messages = 1;
  edge.on_readable();
  EXPECT_EQ(receiver.get(), Outcome::done);
}

TEST_F(EdgeTest, nobody_gathers_up_to_a_deadline) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(1ms)), Outcome::timeout);
  EXPECT_EQ(edge.counts().gathers, 0U);
  EXPECT_EQ(fake.starts, 1);
}

TEST_F(EdgeTest, whoever_is_thrown_out_while_it_gathers_leaves_nothing_behind) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto killed = spawn([&] { operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_TRUE(fake.reminds);
  killed.kill();
  EXPECT_FALSE(fake.reminds);
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(5ms)), Outcome::timeout);
  EXPECT_FALSE(fake.reminds);
  EXPECT_FALSE(fake.watched);
  EXPECT_EQ(edge.counts().gathers, 2U);
}

TEST_F(EdgeTest, only_a_receiver_that_waits_alone_gathers) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto sender = spawn([&] { operate(edge, fake, Direction::send); });
  settle();
  EXPECT_TRUE(fake.watched);
  const auto receiver = spawn([&] { operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_EQ(edge.counts().gathers, 0U);
  sender.kill();
  receiver.kill();
}

TEST_F(EdgeTest, whoever_joins_ends_the_gathering) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto receiver = spawn([&] { operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_FALSE(fake.watched);
  const auto sender = spawn([&] { operate(edge, fake, Direction::send); });
  settle();
  EXPECT_TRUE(fake.watched);
  sender.kill();
  receiver.kill();
}

} // namespace
} // namespace grove::zmq::detail
