// SPDX-License-Identifier: MIT
// Operation: what wait_any() takes exactly one of.
#pragma once

#include <concepts>

#include <grove/hub/detail/wait.hpp>

namespace grove::detail {

// Base of all: the record that stands in the object's line. An operation is made by the object
// (`queue.get_op()`), is ready() when it could be taken without waiting, is arm()ed into the line
// otherwise, and is taken by take() when it was ready or granted. It leaves the line by itself.
class Operation {
public:
  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  bool woken() const { return waiter_.granted || waiter_.broken; }
  void reset() {
    waiter_.granted = waiter_.broken = false;
    waiter_.who = here().current; // perhaps another than made it
  }
  void disarm() { waiter_.unlink(); }

protected:
  Waiter waiter_;
};

template <class Op>
concept IsOperation = std::derived_from<Op, Operation> && requires(Op& op) {
  typename Op::Result;
  { op.ready() } -> std::same_as<bool>;
  op.arm();
  { op.take() } -> std::same_as<typename Op::Result>;
  { Op::name } -> std::convertible_to<const char*>;
};

} // namespace grove::detail
