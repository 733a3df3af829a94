// SPDX-License-Identifier: MIT
// SharedWait: a wait, of a greenlet or of a thread without a hub, that any thread may end.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/hub.hpp>

namespace grove::detail {

// What one who waits for a shared object was told.
enum class Told : unsigned char {
  none,      // nothing yet
  promised,  // what it waits for is kept for it
  dismissed, // it will not come: the object is closed
};

struct SharedWaiter;

// Those who wait for one thing, first come, first served. Under the object's mutex.
struct SharedLine {
  SharedWaiter* first = nullptr;
  SharedWaiter* last = nullptr;
  std::size_t length = 0;
  std::size_t promised = 0; // to those who were called and have not come yet

  // Takes the first out of the line, promises it what it waits for, and wakes it. False if nobody
  // waits.
  bool call_first() noexcept;
  void dismiss_all() noexcept;

  void push_back(SharedWaiter& waiter) noexcept;
  void remove(SharedWaiter& waiter) noexcept;
};

// What is heard of on another hub, or on this one later: in memory of its own, for it may arrive
// when the wait is long over. Nothing is handed over with it; it says: come and take.
struct SharedWaiter : PostedCall {
  // under the object's mutex
  SharedWaiter* before = nullptr;
  SharedWaiter* after = nullptr;
  Told answer = Told::none;
  std::condition_variable told; // for a thread without a hub
  Hub* const hub;               // null: such a thread
  // for the waiting greenlet's own hub
  const IdentityRef who;
  Waiter* waiter; // null: the wait is over

  explicit SharedWaiter(Waiter* on_stack);
  void tell(Told what) noexcept; // under the object's mutex
  void arrive() noexcept;
  void drop() noexcept;

private:
  ~SharedWaiter() = default;
  std::atomic<unsigned> references_{1};
  friend class SharedWait;
};

// One wait, from its place in the line on; made and destroyed under the object's mutex. Destroying
// it leaves the line and gives up what was promised: whoever still wants it takes it before the
// mutex is let go. While it lives the waiter's hub is never told a Deadlock, for any thread may end
// the wait.
class SharedWait {
public:
  // `waiter` is granted when the news arrives; null on a thread without a hub.
  SharedWait(SharedLine& line, Waiter* waiter);
  SharedWait(const SharedWait&) = delete;
  SharedWait& operator=(const SharedWait&) = delete;
  ~SharedWait();

  // Lets the mutex go, waits to be told, and takes the mutex again, whatever happened.
  Told park(std::unique_lock<std::mutex>& lock, const char* what, Deadline deadline);
  Told answer() const { return shared_->answer; }

private:
  SharedLine& line_;
  SharedWaiter* shared_;
};

// What a SharedQueue is, but for its items.
struct SharedQueueState {
  std::mutex mutex;
  const std::size_t maxsize;
  std::size_t count = 0; // items
  bool closed = false;
  SharedLine getters;
  SharedLine putters;

  explicit SharedQueueState(std::size_t size) : maxsize(size) {}

  bool has_item() const { return count > getters.promised; }
  bool has_room() const { return maxsize == 0 || count + putters.promised < maxsize; }
  // Not while an item is kept for somebody, who may yet leave it to the next.
  bool is_drained() const { return closed && count == 0; }
  // Calls whoever can go on now.
  void match() noexcept;

  // Waits in a line; the promise is redeemed when it comes back. Closed, TimeoutError.
  void wait(SharedLine& line, std::unique_lock<std::mutex>& lock, const char* what,
            Deadline deadline);
};

// The mutex is held while it lives; whatever was changed, at its end those are called who can go
// on.
class SharedSection {
public:
  explicit SharedSection(SharedQueueState& state) : state_(state), lock(state.mutex) {}
  SharedSection(const SharedSection&) = delete;
  SharedSection& operator=(const SharedSection&) = delete;
  ~SharedSection() { state_.match(); }

private:
  SharedQueueState& state_;

public:
  std::unique_lock<std::mutex> lock;
};

// Getting or putting as an operation of wait_any().
class SharedOp : public Operation {
public:
  SharedOp(std::shared_ptr<SharedQueueState> state, SharedLine SharedQueueState::*line)
      : state_(std::move(state)), line_((*state_).*line) {}
  ~SharedOp() { give_up(); }

  bool ready(); // keeps what it finds
  void arm();
  void disarm();

protected:
  // Under the mutex: false if what it waited for will not come.
  bool redeem();

private:
  bool can_have_now() const {
    return &line_ == &state_->getters ? state_->has_item() : !state_->closed && state_->has_room();
  }
  void give_up();

  std::shared_ptr<SharedQueueState> state_;
  SharedLine& line_;
  std::optional<SharedWait> wait_;
  bool keeps_ = false; // one of those promised is for us
};

inline bool on_a_hub() { return this_hub->index != no_hub_index; }

} // namespace grove::detail
