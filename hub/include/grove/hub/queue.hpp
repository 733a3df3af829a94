// SPDX-License-Identifier: MIT
// Queue: items handed from greenlet to greenlet, first in, first out.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

// What close() does with the items that are still in a queue.
enum class Remaining { drain, discard };

// Queue<T> holds up to maxsize items (0: any number). Getters and putters are each served first
// come, first served: an item goes straight to the getter who has waited longest. Hub-local.
// A kill, a Timeout scope or a passed deadline takes the waiter out of the line and loses no item:
// once an item was handed over, that get() returns it, whatever comes later; a put() that throws
// has put nothing. Destroying it wakes its waiters with Closed.
template <class T>
class Queue {
public:
  explicit Queue(std::size_t maxsize = 0) : maxsize_(maxsize) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue() {
    closed_ = true;
    getters_.break_all();
    putters_.break_all();
    peekers_.break_all();
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
    if (try_put_now(item))
      return;
    detail::Waiter waiter(&item);
    putters_.push_back(waiter);
    if (detail::park_until("Queue.put", deadline) == detail::Wake::timeout) {
      throw TimeoutError("Queue.put: the queue stayed full");
    }
    if (waiter.broken)
      throw_closed("Queue.put: the queue is closed");
  }

  // Waits while the queue is empty. TimeoutError if the deadline came first; Closed if it is closed
  // and empty.
  T get(Deadline deadline = {}) {
    home_("Queue.get");
    detail::check_interrupts();
    if (!items_.empty())
      return take_front();
    if (closed_)
      throw_closed("Queue.get: the queue is closed and empty");
    std::optional<T> item;
    detail::Waiter waiter(&item);
    getters_.push_back(waiter);
    if (detail::park_until("Queue.get", deadline) == detail::Wake::timeout) {
      throw TimeoutError("Queue.get: the queue stayed empty");
    }
    if (waiter.broken)
      throw_closed("Queue.get: the queue was closed");
    return std::move(*item);
  }

  // The first item, which stays. Waits and throws like get().
  const T& peek(Deadline deadline = {}) {
    home_("Queue.peek");
    detail::check_interrupts();
    while (items_.empty()) {
      if (closed_)
        throw_closed("Queue.peek: the queue is closed and empty");
      detail::Waiter waiter;
      peekers_.push_back(waiter);
      if (detail::park_until("Queue.peek", deadline) == detail::Wake::timeout) {
        throw TimeoutError("Queue.peek: the queue stayed empty");
      }
      if (waiter.broken)
        throw_closed("Queue.peek: the queue was closed");
    }
    return items_.front();
  }

  // -- not waiting ---------------------------------------------------------------------------
  // False if the queue is full, and `item` is as it was. Closed if it is closed.
  [[nodiscard]] bool try_put(T&& item) {
    home_("Queue.try_put");
    return try_put_now(item);
  }
  [[nodiscard]] bool try_put(const T& item) {
    T copy(item);
    return try_put(std::move(copy));
  }
  // Nothing if the queue is empty. Closed if it is closed and empty.
  [[nodiscard]] std::optional<T> try_get() {
    home_("Queue.try_get");
    if (!items_.empty())
      return take_front();
    if (closed_)
      throw_closed("Queue.try_get: the queue is closed and empty");
    return std::nullopt;
  }

  // -- ending --------------------------------------------------------------------------------
  // From now on put() throws Closed, as do the putters that wait; the items that are in the queue
  // can still be taken (or are dropped), then get() throws Closed too. A second time: nothing.
  void close(Remaining remaining = Remaining::drain) {
    home_("Queue.close");
    closed_ = true;
    if (remaining == Remaining::discard)
      items_.clear();
    putters_.break_all();
    if (items_.empty()) {
      getters_.break_all();
      peekers_.break_all();
    }
  }

  // -- for wait_any() ------------------------------------------------------------------------
  class GetOp : public detail::Operation {
  public:
    using Result = T;
    explicit GetOp(Queue& queue) : queue_(queue) { this->waiter_.item = &item_; }
    bool ready() const { return !queue_.items_.empty() || queue_.closed_; }
    void arm() { queue_.getters_.push_back(this->waiter_); }
    T take() {
      if (this->waiter_.broken)
        throw_closed("wait_any: the queue was closed");
      if (this->waiter_.granted)
        return std::move(*item_);
      return queue_.get();
    }
    static constexpr const char* name = "wait_any(Queue.get)";

  private:
    Queue& queue_;
    std::optional<T> item_;
  };
  [[nodiscard]] GetOp get_op() { return GetOp(*this); }

  class PutOp : public detail::Operation {
  public:
    using Result = void;
    PutOp(Queue& queue, T item) : queue_(queue), item_(std::move(item)) {
      this->waiter_.item = &item_;
    }
    bool ready() const { return !queue_.full() || queue_.closed_; }
    void arm() { queue_.putters_.push_back(this->waiter_); }
    void take() {
      if (this->waiter_.broken)
        throw_closed("wait_any: the queue was closed");
      if (!this->waiter_.granted)
        queue_.put(std::move(item_));
    }
    static constexpr const char* name = "wait_any(Queue.put)";

  private:
    Queue& queue_;
    T item_;
  };
  [[nodiscard]] PutOp put_op(T item) { return PutOp(*this, std::move(item)); }

private:
  [[noreturn]] static void throw_closed(const char* what) { throw Closed(what); }

  // Nobody waits to get while there are items, and nobody waits to put while there is room.
  bool try_put_now(T& item) {
    if (closed_)
      throw_closed("Queue.put: the queue is closed");
    if (detail::Waiter* getter = items_.empty() ? getters_.first_parked() : nullptr) {
      static_cast<std::optional<T>*>(getter->item)->emplace(std::move(item)); // may throw
      getter->unlink();
      getter->granted = true;
      detail::wake(getter->who);
      return true;
    }
    if (full())
      return false;
    items_.push_back(std::move(item));
    peekers_.grant_all_into(woken_peekers_);
    return true;
  }

  // Each step that may throw comes before what it would undo.
  T take_front() {
    if (detail::Waiter* putter = putters_.first_parked()) {
      items_.push_back(std::move(*static_cast<T*>(putter->item)));
      putter->unlink();
      putter->granted = true;
      detail::wake(putter->who);
    }
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  detail::HomeCheck home_;
  std::size_t maxsize_;
  bool closed_ = false;
  std::deque<T> items_;
  detail::WaitList getters_;
  detail::WaitList putters_;
  detail::WaitList peekers_;
  detail::WaitList woken_peekers_; // they have not run yet
};

} // namespace grove
