// SPDX-License-Identifier: MIT
// Pipelines at their beginning and end: nobody comes too late, everybody hears that it is over.
#include "pipeline.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::PipelineTest;
using test::Result;
using test::Task;

// -- 8: nobody comes too late --------------------------------------------------------------------

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

// -- 9: ends -------------------------------------------------------------------------------------

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
