// SPDX-License-Identifier: MIT
// Deadlock: when nothing can ever run again, and when something can.
#include <memory>
#include <string>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <grove/hub/async_result.hpp>
#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class DeadlockTest : public HubTest {};

TEST_F(DeadlockTest, a_deadlock_tells_who_waits_and_for_what) {
  Event never;
  Queue<int> queue;
  auto g = spawn(SpawnOptions{.name = "stuck-one"}, [&] { queue.get(); });
  try {
    never.wait();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Deadlock& e) {
    const std::string what = e.what();
    EXPECT_NE(what.find("stuck-one"), std::string::npos) << what;
    EXPECT_NE(what.find("Queue.get"), std::string::npos) << what;
    EXPECT_NE(what.find("Event.wait"), std::string::npos) << what;
  }
  EXPECT_EQ(never.waiters(), 0u);
  EXPECT_FALSE(g.ready());
  g.kill();
}

TEST_F(DeadlockTest, a_deadlock_is_found_in_every_wait_of_main) {
  Event never;
  Queue<int> queue;
  Queue<int> full(1);
  full.put(0);
  AsyncResult<int> result;
  auto g = spawn([&] { never.wait(); });
  EXPECT_THROW(never.wait(), Deadlock);
  EXPECT_THROW(queue.get(), Deadlock);
  EXPECT_THROW(full.put(1), Deadlock);
  EXPECT_THROW(result.get(), Deadlock);
  EXPECT_THROW(g.join(), Deadlock);
  EXPECT_THROW(join_all({g}), Deadlock);
  EXPECT_THROW(wait_any(queue.get_op(), never.wait_op()), Deadlock);
  EXPECT_THROW(sleep(Deadline()), Deadlock);
  g.kill();
}

TEST_F(DeadlockTest, after_a_deadlock_the_hub_works_as_before) {
  Event event;
  EXPECT_THROW(event.wait(), Deadlock);
  auto g = spawn([&] { event.set(); });
  EXPECT_TRUE(event.wait());
  EXPECT_NO_THROW(yield());
  EXPECT_THROW(Event().wait(), Deadlock);
  g.join();
}

TEST_F(DeadlockTest, a_timer_can_wake_somebody_so_it_is_no_deadlock) {
  Event event;
  auto g = spawn([&] {
    sleep(2ms);
    event.set();
  });
  EXPECT_NO_THROW(EXPECT_TRUE(event.wait()));
  EXPECT_NO_THROW(EXPECT_FALSE(Event().wait(1ms)));
  g.join();
}

TEST_F(DeadlockTest, a_descriptor_that_is_waited_for_is_no_deadlock_and_one_that_was_is) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  Event event;
  auto reader = spawn([&] {
    wait_readable(ends[0]);
    event.set();
  });
  std::thread writer([&] { EXPECT_EQ(write(ends[1], "x", 1), 1); });
  EXPECT_NO_THROW(EXPECT_TRUE(event.wait()));
  writer.join();
  reader.join();
  char c = 0;
  EXPECT_EQ(read(ends[0], &c, 1), 1);
  EXPECT_FALSE(wait_readable(ends[0], 1ms));
  EXPECT_THROW(Event().wait(), Deadlock);
  close_descriptor(ends[0]);
  close_descriptor(ends[1]);
}

TEST_F(DeadlockTest, an_attached_thread_may_wake_somebody_so_it_is_no_deadlock) {
  Hub& hub = Hub::current();
  {
    auto attachment = hub.attach();
    AsyncResult<int> result;
    std::thread thread(
        [result, a = std::make_unique<Hub::Attachment>(std::move(attachment))]() mutable {
          result.set(1);
          a.reset(); // on another thread than that of the hub
        });
    EXPECT_NO_THROW(EXPECT_EQ(result.get(), 1));
    thread.join();
  }
  settle();
  EXPECT_THROW(Event().wait(), Deadlock);
}

TEST_F(DeadlockTest, another_hub_may_wake_somebody_so_it_is_no_deadlock) {
  AsyncResult<int> result;
  {
    HubThread other;
    other.hub().post([result] {
      sleep(1ms);
      result.set(1);
    });
    EXPECT_NO_THROW(EXPECT_EQ(result.get(), 1));
  }
  EXPECT_THROW(Event().wait(), Deadlock);
}

TEST_F(DeadlockTest, greenlets_that_wait_for_ever_are_not_told_of_a_deadlock) {
  Event never;
  bool thrown = false;
  auto g = spawn([&] {
    try {
      never.wait();
    } catch (const Deadlock&) {
      thrown = true;
      throw;
    }
  });
  EXPECT_THROW(g.join(), Deadlock);
  EXPECT_FALSE(thrown);
  g.kill();
}

} // namespace
} // namespace grove::test
