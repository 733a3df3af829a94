// SPDX-License-Identifier: MIT
// What a greenlet is given, and what it leaves.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class GreenletResultTest : public HubTest {};

TEST_F(GreenletResultTest, arguments_are_copied_or_moved_like_those_of_a_thread) {
  std::string copied = "copied";
  std::string referred = "referred";
  auto moved = std::make_unique<int>(5);
  auto g = spawn(
      [](std::string a, std::string& b, std::unique_ptr<int> c) {
        b += "!";
        return a + std::to_string(*c);
      },
      copied, std::ref(referred), std::move(moved));
  copied = "changed";
  EXPECT_EQ(g.get(), "copied5");
  EXPECT_EQ(referred, "referred!");
  EXPECT_EQ(moved, nullptr);
}

struct Adder {
  int base;
  int add(int n) const { return base + n; }
};

TEST_F(GreenletResultTest, a_member_function_can_be_spawned) {
  const Adder adder{40};
  EXPECT_EQ(spawn(&Adder::add, &adder, 2).get(), 42);
}

TEST_F(GreenletResultTest, arguments_go_with_the_run_and_not_with_the_last_handle) {
  int alive = 0;
  auto g = spawn([](const Counted&) {}, Counted(alive));
  EXPECT_EQ(alive, 1);
  g.join();
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletResultTest, arguments_of_a_killed_fresh_one_are_destroyed) {
  int alive = 0;
  {
    auto g = make_greenlet([](const Counted&) {}, Counted(alive));
    g.kill();
  }
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletResultTest, arguments_of_a_dropped_fresh_one_are_destroyed) {
  int alive = 0;
  {
    auto g = make_greenlet([](const Counted&) {}, Counted(alive));
  }
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletResultTest, a_result_lives_as_long_as_a_handle) {
  int alive = 0;
  GreenletRef<Counted> first = spawn([&] { return Counted(alive); });
  auto second = first;
  first.join();
  EXPECT_EQ(alive, 1);
  first = {};
  EXPECT_EQ(alive, 1);
  second = {};
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletResultTest, a_result_nobody_holds_is_freed_at_the_end) {
  int alive = 0;
  spawn([&] { return Counted(alive); });
  settle();
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletResultTest, dropping_the_handle_neither_stops_nor_waits) {
  int steps = 0;
  {
    auto g = spawn([&] {
      ++steps;
      yield();
      ++steps;
    });
    yield();
    EXPECT_EQ(steps, 1);
  }
  EXPECT_EQ(steps, 1);
  settle();
  EXPECT_EQ(steps, 2);
}

TEST_F(GreenletResultTest, a_move_only_result_is_moved_out_of_a_temporary) {
  auto result = spawn([] { return std::make_unique<int>(3); }).get();
  EXPECT_EQ(*result, 3);
}

TEST_F(GreenletResultTest, a_temporary_handle_copies_what_others_still_hold) {
  auto g = spawn([] { return std::string("a string too long to be stored in place"); });
  const auto copy = GreenletRef<std::string>(g).get();
  EXPECT_EQ(copy, g.get());
}

TEST_F(GreenletResultTest, an_argument_whose_copy_throws_leaves_nothing_behind) {
  struct Uncopyable {
    Uncopyable() = default;
    Uncopyable(const Uncopyable&) { throw TestError(1); }
    void operator()() const {}
  };
  const auto living = Hub::current().stats().living;
  const Uncopyable f;
  EXPECT_THROW(spawn(f), TestError);
  EXPECT_EQ(Hub::current().stats().living, living);
  EXPECT_EQ(spawn([] { return 1; }).get(), 1);
}

TEST_F(GreenletResultTest, a_result_whose_move_throws_is_an_error_of_the_greenlet) {
  ErrorLog errors;
  struct Immovable {
    Immovable() = default;
    Immovable(Immovable&&) { throw TestError(1); }
  };
  const auto f = [] {
    Immovable local;
    return Immovable(std::move(local));
  };
  auto g = spawn(f);
  g.join();
  EXPECT_FALSE(g.successful());
  EXPECT_THROW(std::rethrow_exception(g.exception()), TestError);
  EXPECT_EQ(errors.size(), 1u);
}

TEST_F(GreenletResultTest, handles_compare_by_greenlet) {
  auto a = make_greenlet([] {});
  auto b = make_greenlet([] {});
  auto c = a;
  EXPECT_TRUE(a == c);
  EXPECT_FALSE(a == b);
  auto moved = std::move(c);
  EXPECT_FALSE(static_cast<bool>(c)); // NOLINT: looked at on purpose
  EXPECT_TRUE(moved == a);
}

} // namespace
} // namespace grove::test
