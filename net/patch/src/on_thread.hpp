// SPDX-License-Identifier: MIT
// on_thread: what can only block does so on a thread of the default pool.
#pragma once

#include <memory>
#include <new>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/thread_pool.hpp>

#include "green.hpp"

namespace grove::patch {

// Runs f(*state) there; what it leaves is in `state`, whose own part every argument is, as a call
// that is interrupted goes while f goes on. False: errno tells why not (ECANCELED, or ENOMEM if
// there is no thread). The greenlet between us and the thread may be thrown at.
template <class State, class F>
bool on_thread(Id id, const std::shared_ptr<State>& state, F f) {
  struct Result {
    detail::WaitList waiters;
    bool over = false;
    bool ran = false;
  };
  try {
    const auto result = std::make_shared<Result>();
    Call::add(call_of(id).waited);
    const auto helper = spawn([state, result, f] {
      struct End { // however it comes
        Result& result;
        ~End() {
          result.over = true;
          result.waiters.grant_all();
        }
      } end{*result};
      try {
        run_blocking([state, f] { f(*state); });
        result->ran = true;
      } catch (const std::exception&) { // no thread
        result->ran = false;
      }
    });
    detail::Waiter waiter;
    result->waiters.push_back(waiter);
    if (!result->over && detail::park_held(call_of(id).name, {}) == detail::Wake::interrupt) {
      helper.kill_nowait(); // what has begun goes on, with a state of its own
      errno = ECANCELED;
      return false;
    }
    if (!result->ran)
      errno = ENOMEM;
    return result->ran;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return false;
  }
}

} // namespace grove::patch
