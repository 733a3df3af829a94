// SPDX-License-Identifier: MIT
// Work queues: jobs that are pulled, confirmed, and given to another.
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"
#include "hand.hpp"

namespace grove::test {
namespace {

// Confirms when the test says so.
class Promiser : public Actor {
public:
  explicit Promiser(std::vector<AsyncResult<void>>* promises) : promises_(promises) {}
  AsyncResult<void> receive(const Task&) {
    promises_->emplace_back();
    return promises_->back();
  }

private:
  std::vector<AsyncResult<void>>* promises_;
};

// actors 138
TEST_F(WorkQueueTest, a_worker_gets_the_next_job_when_it_has_done_the_last) {
  const WorkQueue<Task> queue;
  queue.add_worker(hand("a", &gate_));
  queue.add_worker(hand("b", &gate_));
  for (int i = 1; i <= 4; ++i)
    EXPECT_TRUE(queue.put({i}));
  settle();
  EXPECT_EQ(log_, (Log{"a begins 1", "b begins 2"}));
  EXPECT_EQ(queue.stats().waiting, 2u);
  EXPECT_EQ(queue.stats().in_work, 2u);
  log_.clear();
  gate_.release();
  settle();
  EXPECT_EQ(log_, (Log{"a ends 1", "a begins 3"}));
  log_.clear();
  gate_.release();
  gate_.release();
  gate_.release();
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(log_, (Log{"b ends 2", "b begins 4", "b ends 4", "a ends 3"}));
  EXPECT_EQ(queue.stats().done, 4u);
  EXPECT_EQ(queue.stats().in_work, 0u);
}

TEST_F(WorkQueueTest, jobs_wait_for_a_worker_and_workers_for_a_job_each_in_line) {
  const WorkQueue<Task> queue;
  queue.put({1});
  queue.put({2});
  settle();
  EXPECT_TRUE(queue.add_worker(hand("a")));
  EXPECT_FALSE(queue.add_worker(hands_[0]));
  EXPECT_TRUE(queue.join());
  queue.add_worker(hand("b"));
  queue.put({3});
  queue.put({4});
  queue.put({5});
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(log_, (Log{"a begins 1", "a ends 1", "a begins 2", "a ends 2", "a begins 3", "a ends 3",
                       "a begins 5", "a ends 5", "b begins 4", "b ends 4"}))
      << "a had waited longer";
}

// -- what comes back -----------------------------------------------------------------------------

// actors 138
TEST_F(WorkQueueTest, the_job_of_a_worker_that_is_killed_goes_to_another_before_the_rest) {
  const WorkQueue<Task> queue;
  queue.add_worker(hand("a", &gate_));
  queue.put({1});
  queue.put({2});
  settle();
  queue.add_worker(hand("b"));
  settle();
  EXPECT_EQ(log_, (Log{"a begins 1", "b begins 2", "b ends 2"}));
  log_.clear();
  hands_[0].kill();
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(log_, (Log{"b begins 1", "b ends 1"})) << "it was begun twice";
  EXPECT_EQ(queue.stats().returned, 1u);
  EXPECT_EQ(queue.stats().workers, 1u);
}

TEST_F(WorkQueueTest, a_job_that_lies_in_the_inbox_of_a_worker_that_ends_is_not_lost) {
  const WorkQueue<Task> queue;
  queue.add_worker(hand("a"));
  queue.put({1});
  hands_[0].kill(); // before it had its turn
  EXPECT_TRUE(log_.empty());
  EXPECT_EQ(queue.stats().waiting, 1u);
  EXPECT_EQ(queue.stats().workers, 0u);
  queue.add_worker(hand("b"));
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(log_, (Log{"b begins 1", "b ends 1"}));
}

TEST_F(WorkQueueTest, a_worker_that_fails_without_a_supervisor_is_one_no_more) {
  ErrorLog errors;
  const WorkQueue<Task> queue({.attempts = 2});
  queue.add_worker(hand("a"));
  queue.put({-1});
  queue.put({2});
  settle();
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_EQ(queue.stats().workers, 0u);
  EXPECT_EQ(queue.stats().waiting, 2u);
  queue.add_worker(hand("b"));
  settle();
  EXPECT_EQ(queue.stats().given_up, 1u) << "after two attempts";
  queue.add_worker(hand("c"));
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(log_, (Log{"a begins -1", "b begins -1", "c begins 2", "c ends 2"}));
}

TEST_F(WorkQueueTest, a_worker_that_is_started_again_goes_on) {
  ErrorLog errors;
  const WorkQueue<Task> queue({.attempts = 3});
  auto supervisor = spawn<Supervisor>(SupervisorOptions{.intensity = 5});
  auto worker = add_child<Hand>(supervisor, {}, &log_, std::string("a"));
  queue.add_worker(worker);
  queue.put({-1});
  queue.put({2});
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(log_, (Log{"a begins -1", "a begins -1", "a begins -1", "a begins 2", "a ends 2"}));
  EXPECT_EQ(errors.size(), 3u);
  EXPECT_EQ(queue.stats().workers, 1u);
  EXPECT_EQ(queue.stats().given_up, 1u);
  EXPECT_EQ(queue.stats().returned, 2u);
  supervisor.kill();
  EXPECT_EQ(queue.stats().workers, 0u);
}

TEST_F(WorkQueueTest, a_job_that_is_refused_is_done_with) {
  const WorkQueue<Task> queue;
  queue.add_worker(hand("a"));
  queue.put({1000});
  queue.put({1});
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(log_, (Log{"a begins 1000", "a begins 1", "a ends 1"}));
  EXPECT_EQ(queue.stats().refused, 1u);
  EXPECT_EQ(queue.stats().done, 1u);
}

// -- confirmed later -----------------------------------------------------------------------------

TEST_F(WorkQueueTest, a_promise_confirms_when_it_is_set) {
  const WorkQueue<Task> queue({.attempts = 2});
  std::vector<AsyncResult<void>> promises;
  auto a = spawn<Promiser>(&promises);
  queue.add_worker(a);
  for (int i = 1; i <= 4; ++i)
    queue.put({i});
  settle();
  ASSERT_EQ(promises.size(), 1u);
  promises[0].set();
  settle();
  ASSERT_EQ(promises.size(), 2u);
  promises[1].set_exception(std::make_exception_ptr(Rejected("no")));
  settle();
  EXPECT_EQ(queue.stats().refused, 1u);
  ASSERT_EQ(promises.size(), 3u);
  promises[2].set_exception(std::make_exception_ptr(TestError()));
  settle();
  EXPECT_EQ(queue.stats().returned, 1u);
  ASSERT_EQ(promises.size(), 4u) << "the same job again";
  promises[3] = {}; // dropped: nobody can confirm it
  settle();
  EXPECT_EQ(queue.stats().given_up, 1u);
  ASSERT_EQ(promises.size(), 5u);
  promises[4].set();
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(queue.stats().done, 2u);
  a.kill();
}

TEST_F(WorkQueueTest, a_promise_does_not_outlive_its_worker) {
  ErrorLog errors;
  const WorkQueue<Task> queue;
  std::vector<AsyncResult<void>> promises;
  auto supervisor = spawn<Supervisor>();
  auto a = add_child<Promiser>(supervisor, {}, &promises);
  queue.add_worker(a);
  queue.put({1});
  settle();
  a.kill(); // and is started again
  settle();
  ASSERT_EQ(promises.size(), 2u);
  promises[0].set();
  settle();
  EXPECT_EQ(queue.stats().done, 0u) << "somebody else's";
  supervisor.kill();
  EXPECT_EQ(queue.stats().waiting, 1u);
  promises[1].set();
  settle();
  EXPECT_EQ(queue.stats().waiting, 1u);
  queue.add_worker(hand("b"));
  EXPECT_TRUE(queue.join());
}

// -- workers -------------------------------------------------------------------------------------

TEST_F(WorkQueueTest, a_worker_that_is_removed_finishes_its_job) {
  const WorkQueue<Task> queue;
  queue.add_worker(hand("a", &gate_));
  queue.add_worker(hand("b"));
  queue.put({1});
  settle();
  EXPECT_TRUE(queue.remove_worker(hands_[0]));
  EXPECT_FALSE(queue.remove_worker(hands_[0]));
  EXPECT_TRUE(queue.remove_worker(hands_[1]));
  EXPECT_FALSE(queue.remove_worker(ActorRef<Hand>()));
  queue.put({2});
  gate_.release();
  settle();
  EXPECT_EQ(log_, (Log{"a begins 1", "a ends 1"}));
  EXPECT_EQ(queue.stats().workers, 0u);
  EXPECT_TRUE(queue.add_worker(hands_[1]));
  EXPECT_TRUE(queue.join());
  hands_[0].kill();
  EXPECT_EQ(text_of<ActorDown>([&] { queue.add_worker(hands_[0]); }),
            "WorkQueue.add_worker: the actor has ended");
}

TEST_F(WorkQueueTest, a_worker_that_leaves_in_its_last_job_may_change_its_mind) {
  const WorkQueue<Task> queue;
  queue.add_worker(hand("a", &gate_));
  queue.put({1});
  settle();
  queue.remove_worker(hands_[0]);
  EXPECT_TRUE(queue.add_worker(hands_[0]));
  queue.put({2});
  gate_.release();
  gate_.release();
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(queue.stats().done, 2u);
}

struct Shape {
  std::string name;
};
struct Taker : Actor { // takes its job away
  explicit Taker(Log* s) : seen(s) {}
  void receive(Shape&& shape) {
    seen->push_back(std::move(shape.name));
    if (seen->size() == 1)
      throw TestError();
  }
  Log* seen;
};

TEST_F(WorkQueueTest, a_second_attempt_gets_the_whole_job) {
  ErrorLog errors;
  const WorkQueue<Shape> queue;
  auto a = spawn<Taker>(&log_);
  auto b = spawn<Taker>(&log_);
  queue.add_worker(a);
  queue.add_worker(b);
  queue.put({"a square"});
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(log_, (Log{"a square", "a square"}));
  b.kill();
}

} // namespace
} // namespace grove::test
