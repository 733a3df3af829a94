// SPDX-License-Identifier: MIT
// The ZMQ_EVENTS protocol, through every interleaving of a set of scenarios.
#include <gtest/gtest.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fake_socket.hpp"

namespace grove::zmq::detail {
namespace {

using test::settle;

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
        gathering({"a_sender_gathers", "s", 0, 2, 2}), gathering({"senders_gather", "ss", 0, 2}),
        gathering({"a_sender_gathers_and_a_kill", "sr", 1, 1, 1, true}),
        gathering({"a_sender_gathers_and_the_end", "sr", 1, 1, 1, false, true}),
        gathering({"an_operation_joins_a_sender_that_gathers", "sS", 0, 2}),
        gathering({"a_watcher_joins_a_sender_that_gathers", "sW", 0, 2}),
        gathering({"either_joins_who_gathers", "rE", 1, 1}),
        gathering({"a_watcher_joins_who_gathers", "rw", 2, 0}),
        gathering({"watchers_join_who_gathers_and_a_kill", "rW", 1, 1, 1, true})),
    [](const auto& instance) { return std::string(instance.param.name); });

} // namespace
} // namespace grove::zmq::detail
