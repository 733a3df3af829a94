// SPDX-License-Identifier: MIT
// SharedQueue: items handed between hubs, and between hubs and plain threads.
#pragma once

#include <cstddef>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/queue_common.hpp>
#include <grove/hub/detail/shared_wait.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

// SharedQueue<T> holds up to maxsize items (0: any number), first in, first out. Every member may
// be called by any thread: on a hub a call that waits parks its greenlet only, on a thread without
// a hub it blocks that thread. Getters and putters are each called in the order in which they came,
// and what one was called for is kept for it until it has come. A kill, a Timeout scope or a passed
// deadline ends a wait and loses no item: it goes to the next who waits; a put() that throws has
// put nothing. While a greenlet waits here its hub sees no Deadlock, since any thread may feed the
// queue. Items are moved under a std::mutex: a move of T must not wait.
//
// Destroying it is closing it and dropping the items: who waits gets Closed, on whatever thread;
// that nobody begins a call any more is up to the program.
template <class T>
class SharedQueue {
  struct State : detail::SharedQueueState {
    using SharedQueueState::SharedQueueState;
    std::deque<T> items;

    void put(T&& item) {
      items.push_back(std::move(item));
      count = items.size();
    }
    T take() {
      T item = std::move(items.front()); // may throw
      items.pop_front();
      count = items.size();
      return item;
    }
  };
  using Section = detail::SharedSection;

public:
  using value_type = T;

  // std::invalid_argument if the size is a negative number in disguise.
  explicit SharedQueue(std::size_t maxsize = 0)
      : state_(std::make_shared<State>(detail::checked_maxsize("SharedQueue", maxsize))) {}
  SharedQueue(const SharedQueue&) = delete;
  SharedQueue& operator=(const SharedQueue&) = delete;
  ~SharedQueue() { close(Remaining::discard); }

  // -- state: as it was a moment ago -----------------------------------------------------------
  std::size_t maxsize() const { return state_->maxsize; }
  std::size_t size() const { return look(&State::count); }
  bool empty() const { return size() == 0; }
  bool full() const { return maxsize() != 0 && size() >= maxsize(); }
  bool closed() const { return look(&State::closed); }
  std::size_t waiting_getters() const { return look(&State::getters).length; }
  std::size_t waiting_putters() const { return look(&State::putters).length; }

  // -- waiting -------------------------------------------------------------------------------
  // Waits while the queue is full. TimeoutError if the deadline came first; Closed if it is, or
  // gets, closed.
  void put(T item, Deadline deadline = {}) {
    check_interrupts();
    const auto state = state_; // the object may go while we wait
    Section section(*state);
    if (state->closed)
      throw_closed("SharedQueue.put: the queue is closed");
    if (!state->has_room()) {
      state->wait(state->putters, section.lock, "SharedQueue.put", deadline);
      if (state->closed)
        throw_closed("SharedQueue.put: the queue was closed");
    }
    state->put(std::move(item));
  }

  // Waits while the queue is empty. TimeoutError if the deadline came first; Closed if it is closed
  // and empty.
  T get(Deadline deadline = {}) {
    check_interrupts();
    const auto state = state_;
    Section section(*state);
    wait_for_item(*state, section, deadline);
    return state->take();
  }

  // -- not waiting ---------------------------------------------------------------------------
  // False if the queue is full, and `item` is as it was. Closed if it is closed.
  [[nodiscard]] bool try_put(T&& item) {
    const Section section(*state_);
    if (state_->closed)
      throw_closed("SharedQueue.try_put: the queue is closed");
    if (!state_->has_room())
      return false;
    state_->put(std::move(item));
    return true;
  }
  [[nodiscard]] bool try_put(const T& item) { return try_put(T(item)); }
  // Nothing if the queue is empty. Closed if it is closed and empty.
  [[nodiscard]] std::optional<T> try_get() {
    const Section section(*state_);
    if (state_->has_item())
      return state_->take();
    if (state_->is_drained())
      throw_closed("SharedQueue.try_get: the queue is closed and empty");
    return std::nullopt;
  }

  // `for (T item : queue)` takes items until the queue is closed and empty.
  auto begin() { return detail::QueueIterator<SharedQueue>(*this); }
  static std::default_sentinel_t end() { return {}; }

  // -- ending --------------------------------------------------------------------------------
  // From now on put() throws Closed, as do the putters that wait; the items that are in the queue
  // can still be taken (or are dropped), then get() throws Closed too.
  void close(Remaining remaining = Remaining::drain) {
    std::deque<T> dropped; // outside the mutex
    const Section section(*state_);
    state_->closed = true;
    if (remaining == Remaining::discard) {
      dropped.swap(state_->items);
      state_->count = 0;
    }
  }

  // -- for wait_any(), on a hub --------------------------------------------------------------
  class GetOp : public detail::SharedOp {
  public:
    using Result = T;
    explicit GetOp(SharedQueue& queue)
        : SharedOp(queue.state_, &detail::SharedQueueState::getters), state_(queue.state_) {}
    T take() {
      const Section section(*state_);
      if (!this->redeem() || state_->count == 0)
        throw_closed("wait_any: the shared queue was closed");
      return state_->take();
    }
    static constexpr const char* name = "wait_any(SharedQueue.get)";

  private:
    std::shared_ptr<State> state_;
  };
  [[nodiscard]] GetOp get_op() { return GetOp(*this); }

  class PutOp : public detail::SharedOp {
  public:
    using Result = void;
    PutOp(SharedQueue& queue, T item)
        : SharedOp(queue.state_, &detail::SharedQueueState::putters), state_(queue.state_),
          item_(std::move(item)) {}
    void take() {
      const Section section(*state_);
      if (!this->redeem() || state_->closed)
        throw_closed("wait_any: the shared queue was closed");
      state_->put(std::move(item_));
    }
    static constexpr const char* name = "wait_any(SharedQueue.put)";

  private:
    std::shared_ptr<State> state_;
    T item_;
  };
  [[nodiscard]] PutOp put_op(T item) { return PutOp(*this, std::move(item)); }

private:
  friend detail::QueueIterator<SharedQueue>;
  [[noreturn]] static void throw_closed(const char* what) { throw Closed(what); }
  static void check_interrupts() {
    if (detail::on_a_hub())
      detail::check_interrupts();
  }
  template <class M, class C>
  M look(M C::*member) const {
    const std::lock_guard lock(state_->mutex);
    return (*state_).*member;
  }

  static void wait_for_item(State& state, Section& section, Deadline deadline) {
    if (!state.has_item()) {
      if (state.is_drained())
        throw_closed("SharedQueue.get: the queue is closed and empty");
      state.wait(state.getters, section.lock, "SharedQueue.get", deadline);
      if (state.count == 0) // what was kept for us was discarded
        throw_closed("SharedQueue.get: the queue was closed");
    }
  }
  // For the range-for: leaves `item` empty when no more will come.
  void next(std::optional<T>& item) {
    check_interrupts();
    const auto state = state_;
    Section section(*state);
    try {
      wait_for_item(*state, section, {});
    } catch (const Closed&) {
      return;
    }
    item.emplace(state->take());
  }

  std::shared_ptr<State> state_;
};

} // namespace grove
