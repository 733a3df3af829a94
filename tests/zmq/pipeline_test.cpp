// SPDX-License-Identifier: MIT
// Pipelines at work: each task once, in order, held back by high-water marks, killed, fair.
#include "pipeline.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using grove::test::settle;
using test::PipelineTest;
using test::Result;
using test::stop;
using test::Task;

// -- 1, 2: every id exactly once, in the order of each worker ------------------------------------

struct Kind {
  const char* transport;
  bool threads; // each worker on a hub of its own
  int hwm;
};
void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.transport << (kind.threads ? " threads" : " greenlets") << " hwm " << kind.hwm;
}
class EveryPipeline : public PipelineTest, public ::testing::WithParamInterface<Kind> {};
INSTANTIATE_TEST_SUITE_P(zmq, EveryPipeline,
                         ::testing::Values(Kind{"inproc", false, 1}, Kind{"inproc", false, 1000},
                                           Kind{"inproc", true, 1}, Kind{"inproc", true, 1000},
                                           Kind{"tcp", false, 1}, Kind{"tcp", true, 1000}),
                         [](const auto& kind) {
                           return std::string(kind.param.transport) +
                                  (kind.param.threads ? "_threads" : "_greenlets") + "_hwm_" +
                                  std::to_string(kind.param.hwm);
                         });

TEST_P(EveryPipeline, every_task_is_done_once_and_each_worker_keeps_their_order) {
  constexpr std::uint32_t count = grove::test::sanitized ? 2'000 : 20'000;
  constexpr std::uint32_t workers = 4;
  open(GetParam().transport, GetParam().hwm);
  std::list<HubThread> threads;
  scope([&](Group& all) {
    for (std::uint32_t name = 0; name < workers; ++name) {
      if (GetParam().threads) {
        HubThread& thread = threads.emplace_back();
        all.spawn([&, name] { thread.call([&] { work(name, GetParam().hwm); }); });
      } else {
        all.spawn([&, name] { work(name, GetParam().hwm); });
      }
    }
    wait_for_workers(workers);
    all.spawn([&] { ventilate(count); });
    const auto shares = gather(count, workers);
    if (tasks_at.starts_with("inproc")) { // connecting is no more than that there
      for (std::uint32_t name = 0; name < workers; ++name)
        EXPECT_GT(shares[name], 0U) << "worker " << name;
    }
    control.send(stop);
  });
}

// -- 3: who is held back by a high-water mark is the sender, nobody else -------------------------

TEST_F(PipelineTest, a_high_water_mark_parks_the_ventilator_and_nobody_else) {
  open("inproc", 1);
  Worker idle(*this, 1);
  std::uint32_t sent = 0;
  const auto ventilator = spawn([&] {
    for (;; ++sent)
      tasks.send(Task{sent});
  });
  settle();
  ASSERT_FALSE(ventilator.ready());
  EXPECT_EQ(sent, 2U) << "one at each end";

  // Others go on: on the same hub, and with the other sockets of the pipeline.
  for (std::uint32_t i = 0; i < 1000; ++i) {
    idle.results.send(Result{i, 0});
    ASSERT_EQ(results.recv<Result>().number, i);
  }
  EXPECT_EQ(sent, 2U);
  for (std::uint32_t number = 0; number < 100; ++number) // now there is room again
    ASSERT_EQ(idle.tasks.recv<Task>().number, number);
  ventilator.kill();
}

// -- 4: a kill of one who is blocked -------------------------------------------------------------

TEST_F(PipelineTest, killing_blocked_senders_loses_and_doubles_nothing) {
  open("inproc", 1);
  Worker worker(*this, 1);
  std::vector<std::uint32_t> accepted;
  std::vector<GreenletRef<>> senders;
  constexpr std::uint32_t count = 30;
  senders.reserve(count);
  for (std::uint32_t number = 0; number < count; ++number) {
    senders.push_back(spawn([&, number] {
      tasks.send(Task{number});
      accepted.push_back(number);
    }));
  }
  settle();
  ASSERT_EQ(accepted.size(), 2U);
  for (std::uint32_t number = 0; number < count; number += 3) // among them the first in line
    senders[number].kill();
  senders[5].kill_nowait(); // while the turn is on its way to it
  std::vector<std::uint32_t> received;
  while (received.size() < accepted.size() ||
         std::any_of(senders.begin(), senders.end(), [](const auto& s) { return !s.ready(); })) {
    received.push_back(worker.tasks.recv<Task>().number);
    settle(2);
  }
  EXPECT_EQ(received, accepted);
  EXPECT_FALSE(worker.tasks.try_recv());
  tasks.send(Task{99});
  EXPECT_EQ(worker.tasks.recv<Task>().number, 99U);
}

TEST_F(PipelineTest, killing_blocked_receivers_leaves_the_tasks_to_the_others) {
  open("inproc");
  Worker worker(*this, 1000);
  std::vector<std::uint32_t> received;
  std::vector<GreenletRef<>> receivers;
  constexpr std::size_t count = 30;
  receivers.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    receivers.push_back(spawn([&] { received.push_back(worker.tasks.recv<Task>().number); }));
  settle();
  for (std::size_t i = 0; i < count; i += 2)
    receivers[i].kill();
  receivers[1].kill_nowait(); // it runs with the first task there
  ventilate(count / 2);
  for (std::size_t i = 3; i < count; i += 2)
    receivers[i].join();
  receivers[1].join();
  while (received.size() < count / 2)
    received.push_back(worker.tasks.recv<Task>().number);
  for (std::uint32_t number = 0; number < count / 2; ++number)
    EXPECT_EQ(received[number], number);
  EXPECT_FALSE(worker.tasks.try_recv());
}

// -- 5: the control socket -----------------------------------------------------------------------

TEST_F(PipelineTest, one_word_on_the_control_socket_ends_all_workers_wherever_they_wait) {
  open("inproc", 1);
  constexpr std::uint32_t workers = 5;
  Event never;
  std::vector<GreenletRef<>> all;
  for (std::uint32_t name = 0; name < workers; ++name)
    all.push_back(spawn([&, name] {
      if (name == 0)
        work(name, 1, [&] { never.wait(); }); // in the middle of a task
      else
        work(name, 1); // for a task, or for the sink, which takes nothing
    }));
  wait_for_workers(workers);
  const auto ventilator = spawn([&] { ventilate(1000); });
  settle(100);
  ASSERT_FALSE(ventilator.ready()) << "everybody is blocked";
  for (const auto& worker : all)
    ASSERT_FALSE(worker.ready());
  control.send(stop);
  for (const auto& worker : all)
    worker.get();
  ventilator.kill();
}

// -- 6: the hub's timers while messages rush -----------------------------------------------------

TEST_F(PipelineTest, a_ticker_stays_on_time_while_100_000_messages_pass) {
  constexpr std::uint32_t count = 100'000;
  open("inproc");
  Worker worker(*this, 1000);

  // On a busy machine time passes by itself. What counts is how many messages go by after a tick
  // was due: a socket gives way after 64, and the hub looks at the clock after 64 such turns.
  auto due = now() + 20ms;
  std::uint32_t ticks = 0, late = 0, most_late = 0;
  const auto ticker = spawn([&] {
    for (;; ++ticks) {
      sleep(due - std::min(due, now()));
      most_late = std::max(most_late, std::exchange(late, 0));
      due = std::chrono::steady_clock::now() + 20ms;
    }
  });
  const auto ventilator = spawn([&] { ventilate(count); });
  for (std::uint32_t number = 0; number < count || ticks < 3; ++number) {
    if (number < count)
      ASSERT_EQ(worker.tasks.recv<Task>().number, number);
    else
      yield(); // too fast a machine
    if (number < count && std::chrono::steady_clock::now() > due)
      ++late;
  }
  most_late = std::max(most_late, late);
  EXPECT_LT(most_late, 64U * 64U + 500U);
  ventilator.get();
  ticker.kill();
}

// -- 7: fairness ---------------------------------------------------------------------------------

TEST_F(PipelineTest, with_high_water_marks_of_1_the_quick_do_what_the_slow_can_not) {
  open("inproc", 1);
  constexpr std::uint32_t count = 400;
  Event gate; // the slow worker is as slow as can be: it has its first task until all else is done
  scope([&](Group& all) {
    all.spawn([&] { work(0, 1, [&] { gate.wait(); }); });
    for (std::uint32_t name = 1; name < 4; ++name)
      all.spawn([&, name] { work(name, 1, [] { yield(); }); });
    wait_for_workers(4);
    all.spawn([&] { ventilate(count); });
    // It holds one task, one waits in its socket, one in ours.
    constexpr std::uint32_t held = 3;
    std::vector<std::uint32_t> quick(4, 0);
    for (std::uint32_t i = 0; i < count - held; ++i)
      ++quick.at(results.recv<Result>().worker);
    EXPECT_EQ(quick[0], 0U);
    for (std::uint32_t name = 1; name < 4; ++name)
      EXPECT_GT(quick[name], count / 8) << "worker " << name;
    gate.set();
    for (std::uint32_t i = 0; i < held; ++i)
      EXPECT_EQ(results.recv<Result>().worker, 0U);
    control.send(stop);
  });
}

} // namespace
} // namespace grove::zmq
