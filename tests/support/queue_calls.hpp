// SPDX-License-Identifier: MIT
// The rows of the blocking matrix that every kind of queue has.
#pragma once

#include <cstddef>

#include <gtest/gtest.h>

#include <grove/hub/event.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "blocking_call.hpp"

namespace grove::test {

template <class Q>
class GetCall : public BlockingCall {
protected:
  bool call(Deadline deadline) override { return queue_.get(deadline) == 1; }
  void release() override { queue_.put(1); }
  std::size_t waiters() const override { return queue_.waiting_getters(); }
  bool get_like() const override { return true; }
  Q queue_;
};
template <class Q>
class PutCall : public BlockingCall {
public:
  PutCall() { queue_.put(1); }

protected:
  bool call(Deadline deadline) override {
    queue_.put(1, deadline);
    return true;
  }
  void release() override { EXPECT_EQ(queue_.get(), 1); }
  std::size_t waiters() const override { return queue_.waiting_putters(); }
  bool get_like() const override { return true; }
  Q queue_{1};
};
// Nobody takes what it waits for.
template <class Q>
class PeekCall : public GetCall<Q> {
  bool call(Deadline deadline) override { return this->queue_.peek(deadline) == 1; }
  void again() override { EXPECT_EQ(this->queue_.get(), 1); }
};

// -- the same in other words; `Call` is one of the above, or does as they do ---------------------

template <class Call>
class GetOpCall : public Call {
  bool call(Deadline deadline) override {
    return wait_any(this->queue_.get_op(), never_.wait_op(), after(deadline)).index() == 0;
  }
  std::size_t waiters() const override { return Call::waiters() + never_.waiters(); }
  bool get_like() const override { return false; }
  Event never_;
};
template <class Call>
class PutOpCall : public Call {
  bool call(Deadline deadline) override {
    return wait_any(this->queue_.put_op(1), after(deadline)).index() == 0;
  }
  bool get_like() const override { return false; }
};
template <class Call>
class RangeCall : public Call {
  bool call(Deadline deadline) override {
    const auto first = [this] {
      for (const int item : this->queue_)
        return item;
      return 0;
    };
    return with_timeout(deadline, first) == 1;
  }
  bool get_like() const override { return false; }
};

} // namespace grove::test
