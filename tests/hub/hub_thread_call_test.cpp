// SPDX-License-Identifier: MIT
// HubThread::call(): its time limit, on hubs and on plain threads; its row of the blocking matrix.
#include <memory>
#include <stdexcept>
#include <thread>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// The event is the other hub's.
class HubThreadCall : public BlockingCall {
public:
  HubThreadCall() {
    other_.call([this] { event_ = std::make_unique<Event>(); });
  }
  ~HubThreadCall() override {
    other_.call([this] { event_.reset(); });
  }

private:
  bool call(Deadline deadline) override {
    return other_.call([this] { return event_->wait(); }, deadline);
  }
  void release() override {
    other_.hub().post([this] { event_->set(); });
  }
  void again() override {
    other_.call([this] { event_->clear(); });
  }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  std::unique_ptr<Event> event_;
  HubThread other_;
};

[[maybe_unused]] const bool rows_added =
    add_blocking_calls({blocking_row<HubThreadCall>("hub_thread_call")});

class HubThreadCallTest : public HubTest {};

// What f refers to is still there as long as it runs: its end is waited for. Where the other thread
// is late f may be killed before it begins.
void expect_unwound_in_time(HubThread& other) {
  bool begun = false;
  while (!begun) {
    bool unwound = false;
    const auto f = [&begun, &unwound] {
      begun = true;
      const AtExit last([&unwound] {
        yield();
        unwound = true;
      });
      sleep(Deadline());
    };
    EXPECT_THROW(other.call(f, 2ms), TimeoutError);
    EXPECT_EQ(unwound, begun);
  }
}

TEST_F(HubThreadCallTest, out_of_time_it_has_ended_what_it_called) {
  HubThread other;
  expect_unwound_in_time(other);
  EXPECT_EQ(other.call([] { return 1; }, 10s), 1);
}

TEST_F(HubThreadCallTest, out_of_time_on_a_plain_thread_it_has_ended_what_it_called) {
  HubThread other;
  std::thread([&other] {
    expect_unwound_in_time(other);
    EXPECT_EQ(other.call([] { return 1; }, 10s), 1);
    EXPECT_THROW(other.call([] { throw TestError(); }, 10s), TestError);
    EXPECT_THROW(other.call([] { sleep(Deadline()); }, Clock::now() - 1s), TimeoutError);
  }).join();
}

TEST_F(HubThreadCallTest, what_is_killed_over_there_is_told_to_a_plain_thread) {
  HubThread other;
  std::thread([&other] {
    EXPECT_THROW(other.call([] {
      current_greenlet().kill_nowait();
      yield();
    }),
                 Killed);
  }).join();
}

TEST_F(HubThreadCallTest, a_negative_timeout_is_refused) {
  HubThread other;
  bool ran = false;
  EXPECT_THROW(other.call([&] { ran = true; }, -1ms), std::invalid_argument);
  EXPECT_FALSE(ran);
}

} // namespace
} // namespace grove::test
