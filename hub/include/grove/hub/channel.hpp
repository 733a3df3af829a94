// SPDX-License-Identifier: MIT
// Channel: items handed from greenlet to greenlet when both are there.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/queue_common.hpp>
#include <grove/hub/detail/queue_operation.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/timeout.hpp>

namespace grove {

// Channel<T> keeps nothing: put() waits until somebody takes the item, and goes on after that one
// has it. Getters and putters are each served first come, first served. Hub-local. A kill, a
// Timeout scope or a passed deadline takes the waiter out of the line and loses no item: a put()
// that throws has put nothing; once an item was taken, both sides return, whatever comes later.
// Destroying it wakes its waiters with Closed. `for (T item : channel)` takes items until the
// channel is closed.
template <class T>
class Channel {
public:
  using value_type = T;

  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    getters_.break_all();
    putters_.break_all();
  }

  // -- state ---------------------------------------------------------------------------------
  static constexpr std::size_t size() { return 0; }
  static constexpr bool empty() { return true; }
  static constexpr bool full() { return true; }
  bool closed() const { return closed_; }
  std::size_t waiting_getters() const { return getters_.size(); }
  std::size_t waiting_putters() const { return putters_.size(); }

  // -- waiting -------------------------------------------------------------------------------
  // Waits until the item was taken. TimeoutError if the deadline came first; Closed if the channel
  // is, or gets, closed.
  void put(T item, Deadline deadline = {}) {
    home_("Channel.put");
    detail::check_interrupts();
    if (hand_over(item, "Channel.put: the channel is closed")) {
      let_getter_run();
      return;
    }
    detail::Waiter waiter(&item);
    putters_.push_back(waiter);
    if (detail::park_until("Channel.put", deadline) == detail::Wake::timeout)
      throw TimeoutError("Channel.put: nobody took the item");
    if (!waiter.granted)
      throw_closed("Channel.put: the channel was closed");
  }

  // Waits for an item. TimeoutError if the deadline came first; Closed if the channel is, or gets,
  // closed.
  T get(Deadline deadline = {}) {
    home_("Channel.get");
    detail::check_interrupts();
    if (detail::Waiter* putter = putters_.first_parked())
      return take_from(*putter);
    std::optional<T> item;
    if (!receive(item, deadline))
      throw_closed("Channel.get: the channel is closed");
    return std::move(*item);
  }

  // -- not waiting ---------------------------------------------------------------------------
  // False if nobody waits for an item, and `item` is as it was. Closed if the channel is closed.
  [[nodiscard]] bool try_put(T&& item) {
    home_("Channel.try_put");
    return hand_over(item, "Channel.try_put: the channel is closed");
  }
  [[nodiscard]] bool try_put(const T& item) { return try_put(T(item)); }
  // Nothing if nobody waits to put. Closed if the channel is closed.
  [[nodiscard]] std::optional<T> try_get() {
    home_("Channel.try_get");
    if (detail::Waiter* putter = putters_.first_parked())
      return take_from(*putter);
    if (closed_)
      throw_closed("Channel.try_get: the channel is closed");
    return std::nullopt;
  }

  auto begin() { return detail::QueueIterator<Channel>(*this); }
  static std::default_sentinel_t end() { return {}; }

  // -- ending --------------------------------------------------------------------------------
  // From now on put() and get() throw Closed, as do those that wait. A second time: nothing.
  void close() {
    home_("Channel.close");
    closed_ = true;
    getters_.break_all();
    putters_.break_all();
  }

  // -- for wait_any() ------------------------------------------------------------------------
  using GetOp = detail::GetOp<Channel>;
  using PutOp = detail::PutOp<Channel>;
  [[nodiscard]] GetOp get_op() {
    home_("Channel.get_op");
    return GetOp(*this);
  }
  [[nodiscard]] PutOp put_op(T item) {
    home_("Channel.put_op");
    return PutOp(*this, std::move(item));
  }

private:
  friend detail::QueueIterator<Channel>;
  friend GetOp;
  friend PutOp;
  [[noreturn]] static void throw_closed(const char* what) { throw Closed(what); }
  bool get_would_not_wait() { return closed_ || putters_.first_parked() != nullptr; }
  bool put_would_not_wait() { return closed_ || getters_.first_parked() != nullptr; }

  // False if nobody waits for an item.
  bool hand_over(T& item, const char* when_closed) {
    if (closed_)
      throw_closed(when_closed);
    detail::Waiter* getter = getters_.first_parked();
    if (getter == nullptr)
      return false;
    static_cast<std::optional<T>*>(getter->item)->emplace(std::move(item)); // may throw
    getter->unlink();
    getter->granted = true;
    detail::wake(getter->who);
    return true;
  }
  // The item was taken: a kill that comes now waits for the next suspension point.
  static void let_getter_run() {
    const Shield shield;
    detail::yield_now();
  }
  static T take_from(detail::Waiter& putter) {
    T item = std::move(*static_cast<T*>(putter.item)); // may throw
    putter.unlink();
    putter.granted = true;
    detail::wake(putter.who);
    return item;
  }
  // Waits to be handed an item. False if the channel is, or gets, closed.
  bool receive(std::optional<T>& item, Deadline deadline) {
    if (closed_)
      return false;
    detail::Waiter waiter(&item);
    getters_.push_back(waiter);
    if (detail::park_until("Channel.get", deadline) == detail::Wake::timeout)
      throw TimeoutError("Channel.get: no item came");
    return waiter.granted;
  }
  // For the range-for: leaves `item` empty when no more will come.
  void next(std::optional<T>& item) {
    home_("Channel.begin");
    detail::check_interrupts();
    if (detail::Waiter* putter = putters_.first_parked())
      item.emplace(take_from(*putter));
    else
      receive(item, {});
  }

  detail::HomeCheck home_;
  bool closed_ = false;
  detail::WaitList getters_;
  detail::WaitList putters_;
};

} // namespace grove
