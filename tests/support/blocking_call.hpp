// SPDX-License-Identifier: MIT
// The rows of the blocking matrix. A new blocking call of the library is a class beside its own
// tests, and a line that adds it here:
//
//   [[maybe_unused]] const bool rows_added =
//   add_blocking_calls({blocking_row<PipeRead>("pipe_read")});
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/hub/wait.hpp>

namespace grove::test {

// One blocking call, on an object of its own.
class BlockingCall {
public:
  BlockingCall() = default;
  BlockingCall(const BlockingCall&) = delete;
  BlockingCall& operator=(const BlockingCall&) = delete;
  virtual ~BlockingCall() = default;

  // Waits. False, or TimeoutError if it is get-like, when the deadline came first.
  virtual bool call(Deadline deadline) = 0;
  // Brings what one call waits for.
  virtual void release() = 0;
  // After a released call that succeeded: the object waits again.
  virtual void again() {}
  // How many wait, as far as the object tells.
  virtual std::size_t waiters() const { return 0; }
  virtual bool get_like() const { return false; }
  // Whether release() itself wakes who waits; else a greenlet or the loop brings the news.
  virtual bool direct() const { return true; }
};

// Whether wait() finds one of them ready in time.
template <class R>
bool one_is_ready(R&& all, Deadline deadline) {
  auto ready = wait(all, {.deadline = deadline, .count = 1});
  return ready.begin() != ready.end();
}

struct BlockingRow {
  const char* name;
  std::unique_ptr<BlockingCall> (*make)();
};
template <class T>
constexpr BlockingRow blocking_row(const char* name) {
  return {name, []() -> std::unique_ptr<BlockingCall> { return std::make_unique<T>(); }};
}

inline std::vector<BlockingRow>& blocking_calls() {
  static std::vector<BlockingRow> all;
  return all;
}
// For a static's initializer: the matrix is made when main() has begun.
inline bool add_blocking_calls(std::initializer_list<BlockingRow> rows) {
  blocking_calls().insert(blocking_calls().end(), rows);
  return true;
}

} // namespace grove::test
