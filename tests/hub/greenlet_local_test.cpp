// SPDX-License-Identifier: MIT
// GreenletLocal: each greenlet has its own value, and takes it along.
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/greenlet_local.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class GreenletLocalTest : public HubTest {};

// gevent O1
TEST_F(GreenletLocalTest, a_value_is_unknown_in_another_greenlet) {
  GreenletLocal<int> x;
  *x = 1;
  spawn([&] {
    EXPECT_FALSE(x.has_value());
    EXPECT_EQ(x.find(), nullptr);
    *x = 2;
    yield();
    EXPECT_EQ(*x, 2);
  }).get();
  EXPECT_EQ(*x, 1);
}

TEST_F(GreenletLocalTest, the_factory_makes_one_for_each_greenlet_at_its_first_use) {
  int made = 0;
  GreenletLocal<std::unique_ptr<int>> x([&] { return std::make_unique<int>(++made); });
  EXPECT_EQ(made, 0);
  EXPECT_EQ(**x, 1);
  EXPECT_EQ(**x, 1);
  EXPECT_EQ(spawn([&] { return **x; }).get(), 2);
  spawn([&] { x.set(std::make_unique<int>(7)); }).get();
  EXPECT_EQ(made, 2) << "what is set needs no factory";
}

TEST_F(GreenletLocalTest, a_factory_that_throws_leaves_it_without_a_value) {
  bool fail = true;
  GreenletLocal<int> x([&]() -> int {
    if (fail)
      throw TestError(3);
    return 4;
  });
  EXPECT_THROW(x.get(), TestError);
  EXPECT_FALSE(x.has_value());
  fail = false;
  EXPECT_EQ(*x, 4);
}

// gevent O4
TEST_F(GreenletLocalTest, values_go_with_the_end_though_a_handle_is_held) {
  int alive = 0;
  GreenletLocal<std::optional<Counted>> x;
  auto g = spawn([&] {
    x->emplace(alive);
    yield();
  });
  yield();
  EXPECT_EQ(alive, 1);
  g.join();
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletLocalTest, values_go_however_it_ends) {
  ErrorLog errors;
  int alive = 0;
  GreenletLocal<std::optional<Counted>> x;
  spawn([&] {
    x->emplace(alive);
    throw TestError();
  }).join();
  EXPECT_EQ(alive, 0);
  auto killed = spawn([&] {
    x->emplace(alive);
    sleep(Deadline());
  });
  yield();
  EXPECT_EQ(alive, 1);
  killed.kill();
  EXPECT_EQ(alive, 0);
}

// gevent O5
TEST_F(GreenletLocalTest, a_variable_takes_its_values_along_in_running_greenlets_too) {
  int alive = 0;
  auto other = spawn([] { yield(); });
  for (int i = 0; i < 1000; ++i) {
    GreenletLocal<std::optional<Counted>> x;
    x->emplace(alive);
    spawn([&] { x->emplace(alive); }).join();
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  std::optional<GreenletLocal<std::optional<Counted>>> y(std::in_place);
  auto parked = spawn([&] {
    (*y)->emplace(alive);
    sleep(Deadline());
  });
  yield();
  EXPECT_EQ(alive, 1);
  y.reset();
  EXPECT_EQ(alive, 0);
  kill_all({other, parked});
}

// gevent O7
TEST_F(GreenletLocalTest, reset_tells_whether_there_was_one) {
  GreenletLocal<int> x;
  EXPECT_FALSE(x.reset());
  *x = 1;
  spawn([&] { EXPECT_FALSE(x.reset()); }).get();
  EXPECT_TRUE(x.reset());
  EXPECT_FALSE(x.has_value());
}

TEST_F(GreenletLocalTest, the_youngest_goes_first_and_may_make_and_wait_and_see_the_others) {
  Log log;
  struct Says {
    std::function<void()> at_end;
    ~Says() {
      if (at_end)
        at_end();
    }
    Says() = default;
    Says(Says&& other) noexcept : at_end(std::exchange(other.at_end, nullptr)) {}
    Says& operator=(Says&& other) noexcept {
      std::swap(at_end, other.at_end);
      return *this;
    }
  };
  GreenletLocal<Says> first;
  GreenletLocal<Says> second;
  GreenletLocal<Says> third;
  std::string name;
  auto g = spawn(SpawnOptions{.name = "owner"}, [&] {
    first->at_end = [&] { log.emplace_back("first"); };
    second->at_end = [&] {
      EXPECT_TRUE(first.has_value());
      yield();
      name = current_name();
      third->at_end = [&] { log.emplace_back("third"); };
      log.emplace_back("second");
    };
  });
  yield();
  g.kill_nowait(); // held back: it has returned
  g.join();
  EXPECT_EQ(log, (Log{"second", "third", "first"}));
  EXPECT_EQ(name, "owner");
  EXPECT_TRUE(g.successful());
}

TEST_F(GreenletLocalTest, one_variable_serves_all_hubs) {
  static GreenletLocal<int> x;
  *x = 1;
  HubThread other;
  int there = -1;
  spawn(SpawnOptions{.hub = &other.hub()}, [&] {
    there = *x;
    *x = 5;
  }).get();
  EXPECT_EQ(there, 0);
  EXPECT_EQ(*x, 1);
  x.reset();
}

} // namespace
} // namespace grove::test
