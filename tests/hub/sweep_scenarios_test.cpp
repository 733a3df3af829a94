// SPDX-License-Identifier: MIT
// Scenarios of the sweep about greenlets, events, results, queues, descriptors and scopes.
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <grove/hub/async_result.hpp>
#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/greenlet_local.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"
#include "../support/scenario.hpp"

namespace grove::test {
namespace {

constexpr int items = 5;

// Items go through a bounded queue; what the victim has taken is counted, the rest is still there.
class QueueGets : public Scenario {
  void begin() override {
    feeder_ = spawn([this] {
      for (int i = 1; i <= items; ++i)
        queue_.put(i);
    });
  }
  void victim() override {
    for (int i = 0; i < items; ++i)
      taken_.push_back(queue_.get());
  }
  void check() override {
    EXPECT_EQ(queue_.waiting_getters(), 0u);
    while (static_cast<int>(taken_.size()) < items)
      taken_.push_back(queue_.get());
    std::vector<int> all(items);
    std::iota(all.begin(), all.end(), 1);
    EXPECT_EQ(taken_, all);
    feeder_.get();
  }
  Queue<int> queue_{2};
  std::vector<int> taken_;
  GreenletRef<> feeder_;
};

// What put() has not promised to have put is not there.
class QueuePuts : public Scenario {
  void begin() override {
    taker_ = spawn([this] {
      for (;;) {
        taken_.push_back(queue_.get());
        settle(3);
      }
    });
  }
  void victim() override {
    for (int i = 0; i < items; ++i) {
      queue_.put(put_);
      ++put_;
    }
  }
  void check() override {
    settle(50);
    EXPECT_EQ(queue_.waiting_putters(), 0u);
    EXPECT_EQ(static_cast<int>(taken_.size()), put_);
    for (int i = 0; i < put_; ++i)
      EXPECT_EQ(taken_[static_cast<std::size_t>(i)], i);
    taker_.kill();
  }
  Queue<int> queue_{1};
  std::vector<int> taken_;
  int put_ = 0;
  GreenletRef<> taker_;
};

class QueuePeeks : public Scenario {
  void begin() override {
    feeder_ = spawn([this] {
      settle(3);
      queue_.put(1);
    });
  }
  void victim() override {
    EXPECT_EQ(queue_.peek(), 1);
    yield();
    EXPECT_EQ(queue_.peek(), 1);
  }
  void check() override {
    feeder_.get();
    EXPECT_EQ(queue_.size(), 1u);
  }
  Queue<int> queue_;
  GreenletRef<> feeder_;
};

class EventTurns : public Scenario {
  void begin() override {
    ticker_ = spawn([this] {
      for (;;) {
        yield();
        event_.set();
        event_.clear();
      }
    });
  }
  void victim() override {
    for (int i = 0; i < items; ++i)
      EXPECT_TRUE(event_.wait());
    EXPECT_TRUE(event_.wait(60s));
  }
  void check() override {
    EXPECT_TRUE(event_.wait());
    ticker_.kill();
    EXPECT_EQ(event_.waiters(), 0u);
  }
  Event event_;
  GreenletRef<> ticker_;
};

class ResultGets : public Scenario {
  void begin() override {
    setter_ = spawn([this] {
      settle(2);
      first_.set(1);
      settle(2);
      second_.set(2);
    });
  }
  void victim() override {
    EXPECT_EQ(first_.get(), 1);
    EXPECT_EQ(second_.get(60s), 2);
    EXPECT_EQ(second_.get(), 2);
  }
  void check() override {
    EXPECT_EQ(second_.get(), 2);
    setter_.get();
  }
  AsyncResult<int> first_;
  AsyncResult<int> second_;
  GreenletRef<> setter_;
};

// Children that the victim joins in every way are as they were, and one that it kills is killed.
class Joins : public Scenario {
  GreenletRef<int> child(int number) {
    children_.push_back(spawn([this, number] {
      settle(2);
      ++ended_;
      return number;
    }));
    return children_.back();
  }
  void victim() override {
    EXPECT_TRUE(child(1).join());
    EXPECT_EQ(child(2).get(60s), 2);
    EXPECT_TRUE(join_all({child(3), child(4)}));
    const std::vector<GreenletRef<int>> two{child(5), child(6)};
    EXPECT_EQ(join_all(two, JoinOptions{.raise_error = true}), 2u);
    wait_any(ended(child(7)), after(60s));
    for (const auto& one : wait(std::vector<GreenletRef<int>>{child(8), child(9)}))
      EXPECT_TRUE(one.ready());
  }
  void check() override {
    EXPECT_TRUE(join_all(children_));
    EXPECT_EQ(ended_, static_cast<int>(children_.size()));
  }
  std::vector<GreenletRef<int>> children_;
  int ended_ = 0;
};

class Kills : public Scenario {
  void begin() override {
    for (int i = 0; i < 4; ++i) {
      targets_.push_back(spawn([this] {
        AtExit over([this] { ++unwound_; });
        try {
          sleep(Deadline());
        } catch (const GreenletExit&) {
          const Shield shield;
          settle(2);
          throw;
        }
      }));
    }
    yield();
  }
  void victim() override {
    EXPECT_TRUE(targets_[0].kill());
    EXPECT_TRUE(targets_[1].kill(60s));
    EXPECT_TRUE(kill_all({targets_[2], targets_[3]}));
  }
  void check() override {
    EXPECT_TRUE(kill_all(targets_));
    EXPECT_EQ(unwound_, 4);
  }
  std::vector<GreenletRef<>> targets_;
  int unwound_ = 0;
};

class Sleeps : public Scenario {
  void victim() override {
    for (int i = 0; i < 3; ++i) {
      sleep(20us);
      yield();
      sleep(0ms);
    }
  }
  void check() override {}
};

class AnyOfQueues : public Scenario {
  void begin() override {
    feeder_ = spawn([this] {
      for (int i = 1; i <= items; ++i) {
        settle(2);
        (i % 2 == 0 ? even_ : odd_).put(i);
      }
    });
  }
  void victim() override {
    for (int i = 0; i < items; ++i) {
      auto got = wait_any(odd_.get_op(), even_.get_op(), after(60s));
      sum_ += got.index() == 0 ? std::get<0>(got) : std::get<1>(got);
    }
  }
  void check() override {
    feeder_.get();
    for (Queue<int>* queue : {&odd_, &even_}) {
      EXPECT_EQ(queue->waiting_getters(), 0u);
      while (auto left = queue->try_get())
        sum_ += *left;
    }
    EXPECT_EQ(sum_, items * (items + 1) / 2);
  }
  Queue<int> odd_;
  Queue<int> even_;
  int sum_ = 0;
  GreenletRef<> feeder_;
};

class Descriptors : public Scenario {
public:
  Descriptors() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC | O_NONBLOCK), 0); }
  ~Descriptors() override {
    close_descriptor(ends_[0]);
    close_descriptor(ends_[1]);
  }

private:
  void begin() override {
    writer_ = spawn([this] {
      for (int i = 0; i < 3; ++i) {
        settle(3);
        EXPECT_EQ(write(ends_[1], "x", 1), 1);
      }
    });
  }
  void victim() override {
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(wait_readable(ends_[0], 60s));
      char c = 0;
      EXPECT_EQ(read(ends_[0], &c, 1), 1);
      ++taken_;
    }
  }
  void check() override {
    writer_.get();
    for (char c = 0; taken_ < 3; ++taken_) {
      EXPECT_TRUE(wait_readable(ends_[0]));
      EXPECT_EQ(read(ends_[0], &c, 1), 1);
    }
    EXPECT_FALSE(wait_readable(ends_[0], 0ms));
  }
  int ends_[2] = {-1, -1};
  int taken_ = 0;
  GreenletRef<> writer_;
};

// Scopes within the victim's own are told apart from what strikes it.
class Scopes : public Scenario {
  void victim() override {
    const auto late = with_timeout(50us, [] {
      sleep(60s);
      return 1;
    });
    EXPECT_FALSE(late.has_value());
    EXPECT_TRUE(with_timeout(60s, [] { sleep(20us); }));
    Timeout inner(60s);
    EXPECT_FALSE(with_timeout(0ms, [] { sleep(60s); }));
    yield();
  }
  void check() override { EXPECT_TRUE(current_deadline().is_never()); }
};

class ShieldedCleanUp : public Scenario {
  void victim() override {
    AtExit clean([this] {
      const Shield shield;
      sleep(20us);
      cleaned_ = true;
    });
    yield();
    {
      const Shield shield;
      settle(3);
      yield();
    }
    yield();
  }
  void check() override { EXPECT_TRUE(cleaned_); }
  bool cleaned_ = false;
};

// What waits in a destructor is not interrupted while something unwinds already.
class WaitsWhileUnwinding : public Scenario {
  void victim() override {
    const auto join_at_end = [this] {
      children_.push_back(spawn([] { settle(3); }));
      return AtExit([child = children_.back()] { child.get(); });
    };
    const auto first = join_at_end();
    yield();
    const auto second = join_at_end();
    yield();
  }
  void check() override { EXPECT_TRUE(join_all(children_)); }
  std::vector<GreenletRef<>> children_;
};

class InACatchBlock : public Scenario {
  void victim() override {
    try {
      throw TestError(6);
    } catch (const TestError&) {
      yield();
      sleep(20us);
      try {
        throw;
      } catch (const TestError& again) {
        EXPECT_EQ(again.number, 6);
      }
    }
    yield();
  }
  void check() override { EXPECT_EQ(std::current_exception(), nullptr); }
};

class Locals : public Scenario {
  void victim() override {
    struct Waits {
      int* ended = nullptr;
      Waits() = default;
      Waits(Waits&& other) noexcept : ended(std::exchange(other.ended, nullptr)) {}
      Waits& operator=(Waits&&) = delete;
      ~Waits() {
        if (ended != nullptr) {
          yield();
          ++*ended;
        }
      }
    };
    static GreenletLocal<Waits> local;
    local->ended = &ended_;
    begun_ = true;
    yield();
    sleep(20us);
  }
  void check() override { EXPECT_EQ(ended_, begun_ ? 1 : 0); }
  bool begun_ = false;
  int ended_ = 0;
};

class BoundChildren : public Scenario {
  void victim() override {
    for (int i = 0; i < 3; ++i) {
      children_.push_back(spawn(SpawnOptions{.inherit = true}, [] { sleep(Deadline()); }));
      yield();
    }
  }
  void check() override {
    EXPECT_TRUE(join_all(children_));
    for (const auto& child : children_)
      EXPECT_TRUE(child.killed());
  }
  std::vector<GreenletRef<>> children_;
};

[[maybe_unused]] const bool added = add_scenarios({
    scenario_row<QueueGets>("queue_gets"),
    scenario_row<QueuePuts>("queue_puts"),
    scenario_row<QueuePeeks>("queue_peeks"),
    scenario_row<EventTurns>("event_turns"),
    scenario_row<ResultGets>("result_gets"),
    scenario_row<Joins>("joins"),
    scenario_row<Kills>("kills"),
    scenario_row<Sleeps>("sleeps"),
    scenario_row<AnyOfQueues>("any_of_queues"),
    scenario_row<Descriptors>("descriptors"),
    scenario_row<Scopes>("scopes"),
    scenario_row<ShieldedCleanUp>("shielded_clean_up"),
    scenario_row<WaitsWhileUnwinding>("waits_while_unwinding"),
    scenario_row<InACatchBlock>("in_a_catch_block"),
    scenario_row<Locals>("locals"),
    scenario_row<BoundChildren>("bound_children"),
});

} // namespace
} // namespace grove::test
