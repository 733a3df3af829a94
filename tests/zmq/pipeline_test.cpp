// SPDX-License-Identifier: MIT
// Pipelines of sockets: what they promise when work is handed out, done by many, and gathered.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::settle;

struct Task {
  std::uint32_t number = 0;
};
struct Result {
  std::uint32_t number = 0;
  std::uint32_t worker = 0;
};

constexpr std::string_view stop = "stop";

// A ventilator, a sink and a control socket on this hub; the workers are somewhere.
class PipelineTest : public test::HubTest {
protected:
  Context context;
  Socket tasks{context, SocketType::push};
  Socket results{context, SocketType::pull};
  Socket control{context, SocketType::xpub};
  std::string tasks_at, results_at, control_at;

  void open(const std::string& transport, int hwm = 1000) {
    tasks.set(option::sndhwm, hwm);
    results.set(option::rcvhwm, hwm);
    control.set(option::xpub_verbose, true);
    const bool inproc = transport == "inproc";
    tasks_at = tasks.bind(inproc ? "inproc://tasks" : "tcp://127.0.0.1:*");
    results_at = results.bind(inproc ? "inproc://results" : "tcp://127.0.0.1:*");
    control_at = control.bind(inproc ? "inproc://control" : "tcp://127.0.0.1:*");
  }

  struct Worker {
    Worker(PipelineTest& test, int hwm)
        : tasks(test.context, SocketType::pull), results(test.context, SocketType::push),
          control(test.context, SocketType::sub) {
      tasks.set(option::rcvhwm, hwm);
      results.set(option::sndhwm, hwm);
      tasks.connect(test.tasks_at);
      results.connect(test.results_at);
      control.connect(test.control_at);
      control.subscribe(stop); // says that it is there
    }
    Socket tasks, results, control;
  };

  // The whole life of a worker; returns when it was told to stop.
  void work(
      std::uint32_t name, int hwm = 1000, const std::function<void()>& busy = [] {}) {
    Worker worker(*this, hwm);
    Group working;
    working.spawn([&] {
      for (;;) {
        const Task task = worker.tasks.recv<Task>();
        busy();
        worker.results.send(Result{task.number, name});
      }
    });
    EXPECT_EQ(worker.control.recv().text(), stop);
  }

  void wait_for_workers(int count) {
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(control.recv().text(), "\1" + std::string(stop));
  }

  void ventilate(std::uint32_t count) {
    for (std::uint32_t number = 0; number < count; ++number)
      tasks.send(Task{number});
  }

  // Counts the results of each worker, and sees to it that each number comes once, and those of a
  // worker in the order of the tasks.
  std::vector<std::uint32_t> gather(std::uint32_t count, std::size_t workers) {
    std::vector<std::uint32_t> shares(workers, 0);
    std::vector<std::int64_t> last(workers, -1);
    std::vector<int> seen(count, 0);
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto result = results.recv<Result>();
      EXPECT_EQ(++seen.at(result.number), 1) << result.number;
      EXPECT_GT(std::int64_t{result.number}, std::exchange(last.at(result.worker), result.number));
      ++shares[result.worker];
    }
    return shares;
  }
};

// -- 1, 2: every id exactly once, in the order of each worker
// ---------------------------------------

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
  constexpr std::uint32_t count = test::sanitized ? 2'000 : 20'000;
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
    for (std::uint32_t name = 0; name < workers; ++name)
      EXPECT_GT(shares[name], 0U) << "worker " << name;
    control.send(stop);
  });
}

// -- 3: who is held back by a high-water mark is the sender, nobody else
// -----------------------------

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

// -- 4: a kill of one who is blocked
// -------------------------------------------------------------------

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

// -- 5: the control socket
// ----------------------------------------------------------------------------

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

// -- 6: the hub's timers while messages rush
// ------------------------------------------------------------

TEST_F(PipelineTest, a_ticker_stays_on_time_while_100_000_messages_pass) {
  constexpr std::uint32_t count = 100'000;
  open("inproc");
  Worker worker(*this, 1000);

  // Time that passes because the machine is busy with others is nobody's fault; what is counted is
  // how many messages pass after a tick was due and before it came.
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
  std::uint32_t first_ticks_at = 0;
  for (std::uint32_t number = 0; number < count || ticks < 3; ++number) {
    if (number < count)
      ASSERT_EQ(worker.tasks.recv<Task>().number, number);
    else
      yield(); // too fast a machine
    if (std::chrono::steady_clock::now() > due)
      ++late;
    if (ticks == 0)
      first_ticks_at = number;
  }
  most_late = std::max(most_late, late);
  EXPECT_LT(most_late, 5000U);
  RecordProperty("most_late", static_cast<int>(most_late));
  RecordProperty("first_tick", static_cast<int>(first_ticks_at));
  ventilator.get();
  ticker.kill();
}

// -- 7: fairness
// -----------------------------------------------------------------------------------------

TEST_F(PipelineTest, with_high_water_marks_of_1_the_quick_do_what_the_slow_can_not) {
  open("inproc", 1);
  constexpr std::uint32_t count = 400;
  Event gate; // the slow worker is as slow as can be: it has its first task until all else is done
  std::vector<std::uint32_t> shares;
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

// -- 8: nobody comes too late
// ------------------------------------------------------------------------------

TEST_F(PipelineTest, who_has_passed_the_barrier_misses_nothing_that_is_published) {
  constexpr int subscribers = 8, count = 500;
  Socket publisher(context, SocketType::xpub);
  publisher.set(option::xpub_verbose, true);
  const std::string endpoint = publisher.bind("tcp://127.0.0.1:*");
  scope([&](Group& all) {
    for (int i = 0; i < subscribers; ++i) {
      all.spawn([&, i] {
        for (int turn = 0; turn < i * 5; ++turn) // one after the other
          yield();
        Socket subscriber(context, SocketType::sub);
        subscriber.connect(endpoint);
        subscriber.subscribe("");
        for (int number = 0; number < count; ++number)
          ASSERT_EQ(subscriber.recv().text(), std::to_string(number));
      });
    }
    for (int i = 0; i < subscribers; ++i)
      EXPECT_EQ(publisher.recv().text(), "\1");
    for (int number = 0; number < count; ++number) // fewer than the high-water mark
      publisher.send(std::to_string(number));
  });
}

// Without XPUB: they knock at a door of their own until one of the knocks is answered.
TEST_F(PipelineTest, a_handshake_by_request_and_reply_brings_everybody_together) {
  constexpr int parties = 5;
  Socket publisher(context, SocketType::pub), door(context, SocketType::rep);
  const std::string news = publisher.bind("tcp://127.0.0.1:*"), knock = door.bind("inproc://door");
  scope([&](Group& all) {
    for (int i = 0; i < parties; ++i) {
      all.spawn([&] {
        Socket subscriber(context, SocketType::sub), knocker(context, SocketType::req);
        subscriber.connect(news);
        subscriber.subscribe("");
        knocker.connect(knock);
        // One "hello" has come: the subscription is there, and whatever follows comes, too.
        ASSERT_EQ(subscriber.recv().text(), "hello");
        knocker.send("here");
        static_cast<void>(knocker.recv());
        for (;;) {
          const Message message = subscriber.recv();
          if (message.text() != "hello") {
            EXPECT_EQ(message.text(), "0");
            break;
          }
        }
        for (int number = 1; number < 100; ++number)
          ASSERT_EQ(subscriber.recv().text(), std::to_string(number));
      });
    }
    Group greeting;
    greeting.spawn([&] {
      for (;; sleep(1ms))
        publisher.send("hello");
    });
    for (int i = 0; i < parties; ++i) {
      EXPECT_EQ(door.recv().text(), "here");
      door.send("");
    }
    greeting.kill();
    for (int number = 0; number < 100; ++number)
      publisher.send(std::to_string(number));
  });
}

// -- 9: ends
// ------------------------------------------------------------------------------------------------

// A PUSH serves its peers in turn as long as all have room: so many marks reach as many workers.
TEST_F(PipelineTest, end_marks_reach_every_worker_once_the_known_count_has_come) {
  open("inproc");
  constexpr std::uint32_t count = 1000, workers = 7, end = UINT32_MAX;
  std::vector<int> marks(workers, 0);
  Barrier all_ended(workers); // who has its mark stays, or a mark for another might go with it
  scope([&](Group& all) {
    for (std::uint32_t name = 0; name < workers; ++name) {
      all.spawn([&, name] {
        Worker worker(*this, 1000);
        for (;;) {
          const Task task = worker.tasks.recv<Task>();
          if (task.number == end)
            break;
          worker.results.send(Result{task.number, name});
        }
        ++marks[name];
        all_ended.arrive_and_wait();
      });
    }
    wait_for_workers(workers);
    all.spawn([&] { ventilate(count); });
    gather(count, workers); // the sink knows how many there are
    for (std::uint32_t i = 0; i < workers; ++i)
      tasks.send(Task{end});
  });
  EXPECT_EQ(marks, std::vector<int>(workers, 1));
}

// The sink hears of the end from every worker, behind all that this one has sent.
TEST_F(PipelineTest, end_marks_through_the_workers_tell_the_sink_that_all_has_come) {
  open("inproc");
  constexpr std::uint32_t workers = 3, end = UINT32_MAX;
  std::uint32_t sent = 0, came = 0;
  scope([&](Group& all) {
    for (std::uint32_t name = 0; name < workers; ++name) {
      all.spawn([&, name] {
        Worker worker(*this, 1000);
        for (std::uint32_t i = 0; i < 100 * (name + 1); ++i, ++sent)
          worker.results.send(Result{i, name});
        worker.results.send(Result{end, name});
      }); // its socket goes, what it has sent comes all the same
    }
    for (std::uint32_t ended = 0; ended < workers;)
      results.recv<Result>().number == end ? ++ended : ++came;
  });
  EXPECT_EQ(came, sent);
}

} // namespace
} // namespace grove::zmq
