// SPDX-License-Identifier: MIT
// A greenlet that declines every kill is left behind when its hub ends. The next hub, which has the
// same memory, finds nothing of it: no timer, no wait, no watch, no value.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/detail/watch.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/greenlet_local.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/main.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"
#include "../support/pipe_ends.hpp"

namespace grove::test {
namespace {

class LeftBehind : public HubTest {
protected:
  // Does f, which does not come back, when it is killed. The time that its hub gives to those who
  // decline is virtual then.
  static void decline(const std::function<void()>& f) {
    try {
      Event().wait();
    } catch (const GreenletExit&) {
    }
    const Simulation simulation(1);
    const Shield shield;
    f();
    ADD_FAILURE() << "it went on";
  }
  void leave_behind(const std::function<void()>& f) {
    HubThread hub;
    index_ = hub.hub().index();
    hub.call([&] {
      spawn([f] { decline(f); });
      settle();
    });
  }
  // Another in its place.
  void next_hub(const std::function<void()>& f) {
    HubThread hub;
    ASSERT_EQ(hub.hub().index(), index_);
    hub.call([&] { f(); });
  }

private:
  std::uint16_t index_ = 0;
};

TEST_F(LeftBehind, its_timers_do_not_fire) {
  leave_behind([] {
    const Timeout scope(2s);
    sleep(std::chrono::hours(24 * 365));
  });
  next_hub([] {
    std::vector<GreenletRef<>> all;
    for (int i = 0; i < 20; ++i)
      all.push_back(spawn([i] { sleep(std::chrono::microseconds(50 * (20 - i))); }));
    for (auto& one : all)
      one.join();
    const Simulation simulation(1);
    sleep(std::chrono::hours(24 * 365 * 2)); // past whatever was due
  });
}

TEST_F(LeftBehind, its_descriptor_can_be_waited_for) {
  Ends ends;
  leave_behind([&] { wait_readable(ends.read_end); });
  next_hub([&] {
    EXPECT_FALSE(wait_readable(ends.read_end, 1ms));
    ends.put('x');
    EXPECT_TRUE(wait_readable(ends.read_end, 10s));
  });
}

TEST_F(LeftBehind, its_watch_is_not_called) {
  Ends ends;
  static int calls = 0;
  leave_behind([&] {
    detail::Watch watch(ends.read_end, detail::readable,
                        [](detail::Watch&, unsigned) noexcept { ++calls; });
    watch.start();
    Event().wait();
  });
  ends.put('x');
  next_hub([&] {
    Ends others;
    spawn_later(1ms, [&] { others.put('y'); });
    EXPECT_TRUE(wait_readable(others.read_end, 10s));
    sleep(1ms);
  });
  EXPECT_EQ(calls, 0);
}

TEST_F(LeftBehind, its_values_are_left_too) {
  struct Value {
    bool counts = false;
    Value() = default;
    Value(Value&& other) noexcept : counts(std::exchange(other.counts, false)) {}
    Value& operator=(Value&&) = default;
    ~Value() { EXPECT_FALSE(counts) << "what it may refer to has gone"; }
  };
  std::optional<GreenletLocal<Value>> local(std::in_place);
  leave_behind([&] {
    (*local)->counts = true;
    Event().wait();
  });
  next_hub([&] {
    EXPECT_FALSE(local->has_value());
    (void)local->get();
    local.reset();
  });
}

TEST_F(LeftBehind, nobody_is_kept_from_a_deadlock_by_it) {
  in_fresh_processes(); // where there is no other hub
  EXPECT_EXIT(
      {
        Ends ends;
        {
          const Main scope;
          spawn([&] { decline([&] { wait_readable(ends.read_end); }); });
          settle();
        }
        try {
          Event().wait();
        } catch (const Deadlock&) {
          std::_Exit(5);
        }
      },
      ::testing::ExitedWithCode(5), "");
}

} // namespace
} // namespace grove::test
