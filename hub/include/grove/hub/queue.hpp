// SPDX-License-Identifier: MIT
// Queue: items handed from greenlet to greenlet, in an order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/queue_common.hpp>
#include <grove/hub/detail/queue_operation.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/queue_order.hpp>

namespace grove {

// Queue<T, Order> holds up to maxsize items (0: any number) and gives them out in its order: Fifo,
// Lifo or Priority<Compare>. Getters and putters are each served first come, first served: an item
// goes straight to the getter who has waited longest. Hub-local; see SharedQueue for what several
// hubs or threads use. A kill, a Timeout scope or a passed deadline takes the waiter out of the
// line and loses no item: once one was handed over, that get() returns it, whatever comes later; a
// put() that throws has put nothing. What a move, a comparison or an allocation throws goes to the
// caller, and costs no item and no waiter; when it is the move out of a full queue with putters in
// line, the queue may hold one item more than maxsize until the next is taken. Destroying it wakes
// its waiters with Closed. A range-for has no time limit of its own: with_timeout() gives it one.
template <class T, class Order = Fifo>
class Queue {
public:
  using value_type = T;

  // std::invalid_argument if the size is a negative number in disguise.
  explicit Queue(std::size_t maxsize = 0, const Order& order = {})
      : maxsize_(detail::checked_maxsize("Queue", maxsize)), items_(order) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue() {
    closed_ = true;
    getters_.break_all();
    putters_.break_all();
    peekers_.break_all();
    joiners_.break_all();
    woken_peekers_.forsake_all();
  }

  // -- state ---------------------------------------------------------------------------------
  std::size_t size() const { return items_.size(); }
  std::size_t maxsize() const { return maxsize_; }
  bool empty() const { return items_.empty(); }
  bool full() const { return maxsize_ != 0 && items_.size() >= maxsize_; }
  bool closed() const { return closed_; }
  std::size_t waiting_getters() const { return getters_.size(); }
  std::size_t waiting_putters() const { return putters_.size(); }

  // -- waiting -------------------------------------------------------------------------------
  // Waits while the queue is full. TimeoutError if the deadline came first; Closed if it is, or
  // gets, closed.
  void put(T item, Deadline deadline = {}) {
    home_("Queue.put");
    detail::check_interrupts();
    if (try_put_now(item, "Queue.put: the queue is closed"))
      return;
    detail::Waiter waiter(&item);
    putters_.push_back(waiter);
    if (detail::park_until("Queue.put", deadline) == detail::Wake::timeout)
      throw TimeoutError("Queue.put: the queue stayed full");
    if (waiter.broken)
      throw_closed("Queue.put: the queue is closed");
  }

  // Waits while the queue is empty. TimeoutError if the deadline came first; Closed if it is closed
  // and empty.
  T get(Deadline deadline = {}) {
    home_("Queue.get");
    detail::check_interrupts();
    if (!items_.empty())
      return take();
    std::optional<T> item;
    if (!receive(item, deadline))
      throw_closed("Queue.get: the queue is closed and empty");
    return std::move(*item);
  }

  // The item that comes next, which stays. Waits and throws like get().
  const T& peek(Deadline deadline = {}) {
    home_("Queue.peek");
    detail::check_interrupts();
    while (items_.empty()) {
      if (closed_)
        throw_closed("Queue.peek: the queue is closed and empty");
      detail::Waiter waiter;
      peekers_.push_back(waiter);
      if (detail::park_until("Queue.peek", deadline) == detail::Wake::timeout)
        throw TimeoutError("Queue.peek: the queue stayed empty");
      if (waiter.broken)
        throw_closed("Queue.peek: the queue was closed");
    }
    return items_[items_.first()];
  }

  // -- not waiting ---------------------------------------------------------------------------
  // False, with `item` as it was, if the queue is full. Closed if it is closed.
  [[nodiscard]] bool try_put(T&& item) {
    home_("Queue.try_put");
    return try_put_now(item, "Queue.try_put: the queue is closed");
  }
  [[nodiscard]] bool try_put(const T& item) { return try_put(T(item)); }
  // Nothing if the queue is empty. Closed if it is closed and empty.
  [[nodiscard]] std::optional<T> try_get() {
    home_("Queue.try_get");
    if (!items_.empty())
      return take();
    if (closed_)
      throw_closed("Queue.try_get: the queue is closed and empty");
    return std::nullopt;
  }

  // `for (T item : queue)` takes items until the queue is closed and empty.
  auto begin() { return detail::QueueIterator<Queue>(*this); }
  static std::default_sentinel_t end() { return {}; }

  // -- tasks ---------------------------------------------------------------------------------
  // What was put is a task until somebody says that it is done. std::logic_error if there is none.
  void task_done() {
    home_("Queue.task_done");
    if (unfinished_ == 0)
      throw std::logic_error("grove: Queue.task_done: called more often than items were put");
    finish(1);
  }
  std::size_t unfinished_tasks() const { return unfinished_; }
  // Waits until no task is unfinished. False if the deadline came first.
  bool join(Deadline deadline = {}) {
    home_("Queue.join");
    detail::check_interrupts();
    if (unfinished_ == 0)
      return true;
    detail::Waiter waiter;
    joiners_.push_back(waiter);
    if (detail::park_until("Queue.join", deadline) == detail::Wake::timeout)
      return false;
    if (!waiter.granted)
      throw_closed("Queue.join: the queue was destroyed");
    return true;
  }

  // -- ending --------------------------------------------------------------------------------
  // From now on put() throws Closed, as do the putters that wait; the items that are in the queue
  // can still be taken (or are dropped, and are tasks no more), then get() throws Closed too.
  void close(Remaining remaining = Remaining::drain) {
    home_("Queue.close");
    closed_ = true;
    if (remaining == Remaining::discard) {
      finish(std::min(items_.size(), unfinished_));
      items_.clear();
    }
    putters_.break_all();
    if (items_.empty()) {
      getters_.break_all();
      peekers_.break_all();
    }
  }

  // -- for wait_any() ------------------------------------------------------------------------
  using GetOp = detail::GetOp<Queue>;
  using PutOp = detail::PutOp<Queue>;
  [[nodiscard]] GetOp get_op() {
    home_("Queue.get_op");
    return GetOp(*this);
  }
  [[nodiscard]] PutOp put_op(T item) {
    home_("Queue.put_op");
    return PutOp(*this, std::move(item));
  }

private:
  friend detail::QueueIterator<Queue>;
  friend GetOp;
  friend PutOp;
  [[noreturn]] static void throw_closed(const char* what) { throw Closed(what); }
  bool get_would_not_wait() { return !items_.empty() || closed_; }
  bool put_would_not_wait() { return !full() || closed_; }

  // Nobody waits to get while there are items, and nobody waits to put while there is room.
  bool try_put_now(T& item, const char* when_closed) {
    if (closed_)
      throw_closed(when_closed);
    if (detail::Waiter* getter = items_.empty() ? getters_.first_parked() : nullptr) {
      static_cast<std::optional<T>*>(getter->item)->emplace(std::move(item)); // may throw
      getter->unlink();
      getter->granted = true;
      detail::wake(getter->who);
      ++unfinished_;
      return true;
    }
    if (full())
      return false;
    items_.put(std::move(item));
    ++unfinished_;
    peekers_.grant_all_into(woken_peekers_);
    return true;
  }

  // Each step that may throw comes before what it would undo. When the last one does there is an
  // item too many, and nobody else comes in for it.
  T take() {
    const auto first = items_.first(); // whatever comes in now is not the next
    if (detail::Waiter* putter = putters_.first_parked();
        putter != nullptr && items_.size() <= maxsize_) {
      items_.put(std::move(*static_cast<T*>(putter->item)));
      ++unfinished_;
      putter->unlink();
      putter->granted = true;
      detail::wake(putter->who);
    }
    return items_.take(first);
  }

  // Waits to be handed an item; there are none. False if the queue is, or gets, closed.
  bool receive(std::optional<T>& item, Deadline deadline) {
    if (closed_)
      return false;
    detail::Waiter waiter(&item);
    getters_.push_back(waiter);
    if (detail::park_until("Queue.get", deadline) == detail::Wake::timeout)
      throw TimeoutError("Queue.get: the queue stayed empty");
    return waiter.granted;
  }
  // For the range-for: leaves `item` empty when no more will come.
  void next(std::optional<T>& item) {
    home_("Queue.begin");
    detail::check_interrupts();
    if (!items_.empty())
      item.emplace(take());
    else
      receive(item, {});
  }

  void finish(std::size_t tasks) {
    unfinished_ -= tasks;
    if (unfinished_ == 0)
      joiners_.grant_all();
  }

  detail::HomeCheck home_;
  std::size_t maxsize_;
  std::size_t unfinished_ = 0;
  bool closed_ = false;
  typename Order::template Items<T> items_;
  detail::WaitList getters_;
  detail::WaitList putters_;
  detail::WaitList peekers_;
  detail::WaitList joiners_;
  detail::WaitList woken_peekers_; // they have not run yet
};

} // namespace grove
