// SPDX-License-Identifier: MIT
// The kill-and-timeout sweep: every scenario, disturbed at every suspension point of its victim.
#include <optional>
#include <string>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"
#include "../support/scenario.hpp"
#include "hub_impl.hpp"
#include "interrupts.hpp"

namespace grove::test {
namespace {

// What is done to the victim.
enum class Blow {
  none,
  kill,                // a kill is due when it comes to the point
  kill_while_parked,   // one is sent while it waits there
  expiry,              // a Timeout scope around all of it has run out when it comes to the point
  expiry_while_parked, // it runs out while it waits there
};

// Strikes at the k-th suspension point.
class Striker final : public detail::Probe {
public:
  Striker(Blow blow, int at) : blow_(blow), at_(at) { hub().probe = this; }
  Striker(const Striker&) = delete;
  Striker& operator=(const Striker&) = delete;
  ~Striker() { hub().probe = nullptr; }

  void suspension_point(detail::Identity* self) override {
    if (++points_ != at_)
      return;
    struck_ = true;
    if (blow_ == Blow::kill)
      detail::Interrupts::request_kill(self, nullptr);
    else if (blow_ == Blow::expiry)
      detail::Interrupts::expire(*scope_);
    else // by another, when this one has parked
      spawn([this, self, generation = self->generation] {
        if (self->generation != generation || (self->flags & detail::flag::finished) != 0)
          return;
        if (blow_ == Blow::kill_while_parked)
          detail::kill_identity(self, nullptr);
        else if (scope_ != nullptr)
          detail::Interrupts::expire(*scope_);
      });
  }

  // The victim, from its first step to its last.
  void run(Scenario& scenario) {
    Timeout scope{Deadline()};
    scope_ = &scope;
    detail::Identity* self = detail::this_hub->current;
    self->flags |= detail::flag::probed;
    AtExit over([&] {
      self->flags = static_cast<std::uint16_t>(self->flags & ~detail::flag::probed);
      scope_ = nullptr;
    });
    try {
      scenario.victim();
      completed_ = true;
    } catch (const TimeoutExpired& expired) {
      EXPECT_TRUE(scope.is(expired));
    }
  }

  int points() const { return points_; }
  bool struck() const { return struck_; }
  bool completed() const { return completed_; }

private:
  static detail::HubImpl& hub() { return detail::HubImpl::here(); }
  Blow blow_;
  int at_;
  int points_ = 0;
  bool struck_ = false;
  bool completed_ = false;
  Timeout* scope_ = nullptr;
};

// What a hub has when nothing is going on.
struct Base {
  std::uint64_t living = Hub::current().stats().living;
  std::size_t timers = detail::HubImpl::here().timers.size();
  std::size_t watches = detail::HubImpl::here().watches;
  std::uint32_t attachments = detail::HubImpl::here().attachments;
  friend bool operator==(const Base&, const Base&) = default;
};

class SweepTest : public HubTest, public ::testing::WithParamInterface<ScenarioRow> {
protected:
  // False if the victim has no k-th suspension point.
  static bool play(Blow blow, int at) {
    const Base before;
    bool struck = false;
    {
      const auto scenario = GetParam().make();
      Striker striker(blow, at);
      scenario->begin();
      auto victim = spawn(SpawnOptions{.name = "victim"}, [&] { striker.run(*scenario); });
      EXPECT_TRUE(victim.join(60s)) << "the victim is stuck";
      EXPECT_TRUE(victim.successful() || victim.killed());
      struck = striker.struck();
      EXPECT_TRUE(struck || striker.completed()) << "undisturbed, it did not come to its end";
      scenario->check();
    }
    for (int i = 0; i < 10'000 && Base() != before; ++i)
      sleep(100us); // the last word of a thread may still be under way
    EXPECT_EQ(Base(), before) << "something was left behind";
    return struck;
  }

  static void sweep(Blow blow) {
    constexpr int enough = 2000;
    int points = 0;
    while (points < enough && play(blow, points + 1)) {
      ++points;
      ASSERT_FALSE(HasFailure()) << "at suspension point " << points;
    }
    EXPECT_GT(points, 0) << "it never waits";
    EXPECT_LT(points, enough);
  }
};

TEST_P(SweepTest, undisturbed) { play(Blow::none, 0); }
// reliability 8
TEST_P(SweepTest, a_kill_that_is_due_at_each_point) { sweep(Blow::kill); }
TEST_P(SweepTest, a_kill_while_it_waits_at_each_point) { sweep(Blow::kill_while_parked); }
// reliability 9
TEST_P(SweepTest, a_scope_that_has_run_out_at_each_point) { sweep(Blow::expiry); }
TEST_P(SweepTest, a_scope_that_runs_out_while_it_waits_at_each_point) {
  sweep(Blow::expiry_while_parked);
}

INSTANTIATE_TEST_SUITE_P(Hub, SweepTest, ::testing::ValuesIn(scenarios()),
                         [](const auto& each) { return std::string(each.param.name); });

} // namespace
} // namespace grove::test
