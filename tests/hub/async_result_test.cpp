// SPDX-License-Identifier: MIT
// AsyncResult: a value or an exception, set once, from any thread.
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class AsyncResultTest : public HubTest {};

TEST_F(AsyncResultTest, everybody_gets_the_value) {
  AsyncResult<std::string> result;
  std::vector<GreenletRef<std::string>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn([result] { return result.get(); }));
  yield();
  EXPECT_FALSE(result.ready());
  result.set("value");
  EXPECT_TRUE(result.ready());
  EXPECT_TRUE(result.successful());
  for (const auto& g : all)
    EXPECT_EQ(g.get(), "value");
  EXPECT_EQ(result.get(), "value");
  EXPECT_TRUE(result.wait(0ms));
}

// gevent E5
TEST_F(AsyncResultTest, a_set_exception_reaches_the_getter_as_the_same_object) {
  AsyncResult<int> result;
  const auto error = std::make_exception_ptr(TestError(1));
  EXPECT_EQ(result.exception(), nullptr);
  std::exception_ptr caught;
  auto g = spawn([&, result] {
    try {
      result.get();
    } catch (...) {
      caught = std::current_exception();
    }
  });
  yield();
  result.set_exception(error);
  g.join();
  EXPECT_EQ(caught, error);
  EXPECT_EQ(result.exception(), error);
  EXPECT_TRUE(result.ready());
  EXPECT_FALSE(result.successful());
}

// gevent E12
TEST_F(AsyncResultTest, waiting_for_a_failed_one_throws_nothing) {
  AsyncResult<int> result;
  result.set_exception(std::make_exception_ptr(TestError()));
  EXPECT_NO_THROW(EXPECT_TRUE(result.wait()));
  EXPECT_THROW(result.get(), TestError);
}

// gevent E6
TEST_F(AsyncResultTest, a_scope_that_has_run_out_comes_before_a_value_that_is_set_later) {
  AsyncResult<int> result;
  auto setter = spawn_later(5ms, [result] { result.set(1); });
  {
    Timeout limit(0ms);
    try {
      result.get();
      ADD_FAILURE() << "get() came back";
    } catch (const TimeoutExpired& expired) {
      EXPECT_TRUE(limit.is(expired));
    }
  }
  EXPECT_EQ(result.get(), 1);
  setter.join();
}

// gevent E7
TEST_F(AsyncResultTest, a_passed_deadline_changes_nothing) {
  AsyncResult<int> result;
  EXPECT_FALSE(result.wait(1ms));
  EXPECT_THROW(result.get(1ms), TimeoutError);
  EXPECT_FALSE(result.ready());
  result.set(3);
  EXPECT_EQ(result.get(0ms), 3);
}

TEST_F(AsyncResultTest, what_is_set_first_stays) {
  AsyncResult<int> result;
  result.set(1);
  result.set(2);
  result.set_exception(std::make_exception_ptr(TestError()));
  EXPECT_EQ(result.get(), 1);
  EXPECT_TRUE(result.successful());

  AsyncResult<int> failed;
  failed.set_exception(std::make_exception_ptr(TestError()));
  failed.set(1);
  EXPECT_THROW(failed.get(), TestError);
}

TEST_F(AsyncResultTest, no_exception_is_no_exception_to_set) {
  AsyncResult<int> result;
  EXPECT_EQ(text_of<std::invalid_argument>([&] { result.set_exception(nullptr); }),
            "grove: AsyncResult.set_exception: null");
  EXPECT_FALSE(result.ready());
}

TEST_F(AsyncResultTest, one_of_nothing_is_a_signal) {
  AsyncResult<void> result;
  auto g = spawn([result] { result.get(); });
  yield();
  EXPECT_FALSE(g.ready());
  result.set();
  g.get();
  EXPECT_TRUE(result.successful());
}

TEST_F(AsyncResultTest, a_move_only_value_is_moved_out_of_the_last_handle) {
  AsyncResult<std::unique_ptr<int>> result;
  result.set(std::make_unique<int>(4));
  EXPECT_EQ(*result.get(), 4);
  const auto out = std::move(result).get();
  EXPECT_EQ(*out, 4);
}

TEST_F(AsyncResultTest, a_value_whose_copy_throws_leaves_it_unset) {
  struct Fragile {
    bool broken = false;
    Fragile() = default;
    Fragile(const Fragile& other) : broken(other.broken) {
      if (broken)
        throw TestError();
    }
  };
  AsyncResult<Fragile> result;
  Fragile bad;
  bad.broken = true;
  EXPECT_THROW(result.set(bad), TestError);
  EXPECT_FALSE(result.ready());
  result.set(Fragile());
  EXPECT_TRUE(result.successful());
}

TEST_F(AsyncResultTest, set_never_switches) {
  AsyncResult<int> result;
  bool woken = false;
  auto g = spawn([&, result] {
    result.wait();
    woken = true;
  });
  yield();
  result.set(1);
  EXPECT_FALSE(woken);
  g.join();
}

TEST_F(AsyncResultTest, a_killed_waiter_leaves_the_others) {
  AsyncResult<int> result;
  auto a = spawn([result] { result.wait(); });
  auto b = spawn([result] { return int(result.get()); });
  yield();
  a.kill();
  result.set(2);
  EXPECT_EQ(b.get(), 2);
}

TEST_F(AsyncResultTest, the_place_lives_as_long_as_somebody_waits) {
  int alive = 0;
  GreenletRef<bool> g;
  auto setter = std::make_unique<AsyncResult<Counted>>();
  g = spawn([copy = *setter] { return copy.wait(); });
  yield();
  setter->set(Counted(alive));
  setter.reset();
  EXPECT_EQ(alive, 1);
  EXPECT_TRUE(g.get());
  EXPECT_EQ(alive, 0) << "the greenlet's copy went with its run";
}

// -- across threads ------------------------------------------------------------------------------

enum class Who { main, inner };
enum class Limit { none, timed };
class CrossThread : public HubTest, public ::testing::WithParamInterface<std::tuple<Who, Limit>> {};

// gevent E9, E11
// pitfall 54
TEST_P(CrossThread, a_value_set_on_a_thread_without_a_hub_wakes_the_waiter) {
  const auto [who, limit] = GetParam();
  const Deadline deadline = limit == Limit::timed ? Deadline(60s) : Deadline();
  for (int round = 0; round < 2; ++round) {
    const auto attachment = Hub::current().attach();
    AsyncResult<std::string> result;
    auto busy = spawn([] {
      for (;;)
        sleep(1ms);
    });
    std::thread setter([result] { result.set("from elsewhere"); });
    const auto get = [&] { return std::string(result.get(deadline)); };
    EXPECT_EQ(who == Who::main ? get() : spawn(get).get(), "from elsewhere");
    setter.join();
    busy.kill();
  }
}
INSTANTIATE_TEST_SUITE_P(All, CrossThread,
                         ::testing::Combine(::testing::Values(Who::main, Who::inner),
                                            ::testing::Values(Limit::none, Limit::timed)),
                         [](const auto& row) {
                           return std::string(std::get<0>(row.param) == Who::main ? "main"
                                                                                  : "inner") +
                                  (std::get<1>(row.param) == Limit::timed ? "_timed" : "_untimed");
                         });

// gevent E9
TEST_F(AsyncResultTest, another_hub_may_set_it) {
  HubThread other;
  AsyncResult<int> value;
  AsyncResult<int> error;
  other.call([value, error] {
    value.set(7);
    error.set_exception(std::make_exception_ptr(TestError(8)));
  });
  EXPECT_EQ(value.get(), 7);
  EXPECT_THROW(error.get(), TestError);
}

// A later hub has the index and the memory of the one that was shut down.
TEST_F(AsyncResultTest, a_later_hub_in_the_same_place_is_not_the_one_that_made_it) {
  std::optional<HubThread> hub(std::in_place);
  const auto index = hub->hub().index();
  const auto value = hub->call([] { return AsyncResult<int>(); });
  const auto error = hub->call([] { return AsyncResult<int>(); });
  hub.emplace();
  ASSERT_EQ(hub->hub().index(), index) << "the test needs the same place";
  hub->call([value, error] {
    value.set(1);
    error.set_exception(std::make_exception_ptr(TestError()));
  });
  value.set(2); // posted there
  hub->call([] {});
  EXPECT_FALSE(value.ready()) << "it was set on a hub that is not its own";
  EXPECT_FALSE(error.ready());
}

TEST_F(AsyncResultTest, of_two_threads_exactly_one_sets_it) {
  const auto attachment = Hub::current().attach();
  for (int round = 0; round < 20; ++round) {
    AsyncResult<int> result;
    std::thread one([result] { result.set(1); });
    std::thread two([result] { result.set(2); });
    const int first = result.get();
    one.join();
    two.join();
    settle();
    EXPECT_EQ(result.get(), first);
    EXPECT_TRUE(first == 1 || first == 2);
  }
}

TEST_F(AsyncResultTest, a_thread_sets_several_in_its_order) {
  const auto attachment = Hub::current().attach();
  std::vector<AsyncResult<int>> results(50);
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  for (const auto& result : results) {
    all.push_back(spawn([&order, result] { order.push_back(result.get()); }));
  }
  yield();
  std::thread setter([results] {
    int n = 0;
    for (const auto& result : results)
      result.set(n++);
  });
  join_all(all);
  setter.join();
  ASSERT_EQ(order.size(), results.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    EXPECT_EQ(order[i], static_cast<int>(i));
}

} // namespace
} // namespace grove::test
