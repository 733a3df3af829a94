// SPDX-License-Identifier: MIT
// spawn() with options: a name, a stack size, another hub.
#pragma once

#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include <grove/hub/async_result.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/timeout.hpp>

namespace grove {

namespace detail {

// Answers for a closure that is dropped unrun, or killed with its hub.
template <class R>
struct CallResult {
  AsyncResult<R> result;
  bool owed = true;
  explicit CallResult(AsyncResult<R> r) : result(std::move(r)) {}
  CallResult(CallResult&& other) noexcept
      : result(std::move(other.result)), owed(std::exchange(other.owed, false)) {}
  CallResult& operator=(CallResult&&) = delete;
  ~CallResult() {
    if (owed)
      result.set_exception(std::make_exception_ptr(Closed("call: the hub has shut down")));
  }
};
bool is_shutting_down(); // this hub

// Runs f on another hub, in a greenlet of its own there, and waits for its result. If the waiting
// greenlet is interrupted, or the deadline comes, the other one is killed, and waited for: f may
// refer to this stack.
template <class R, class F>
R call_on(Hub& hub, const SpawnOptions& options, F f, Deadline deadline = {}) {
  check_interrupts();
  AsyncResult<R> result;
  auto remote = std::make_shared<GreenletRef<>>(); // touched on the other hub only
  hub.post([remote, promise = CallResult<R>(result), name = options.name,
            stack_size = options.stack_size, f = std::move(f)]() mutable {
    auto greenlet = make_greenlet(std::move(f));
    set_options(greenlet.identity(), {std::move(name), stack_size, nullptr});
    *remote = greenlet;
    greenlet.start();
    try {
      greenlet.join();
      *remote = {};
      if (greenlet.killed() && is_shutting_down())
        return;
      if constexpr (std::is_void_v<R>) {
        greenlet.get();
        promise.result.set();
      } else {
        promise.result.set(std::move(greenlet).get());
      }
    } catch (const GreenletExit&) {
      *remote = {};
      throw;
    } catch (...) {
      promise.result.set_exception(std::current_exception());
    }
    promise.owed = false;
  });
  const auto end_it = [&] {
    const Shield shield;
    hub.post([remote] {
      if (*remote)
        remote->kill_nowait();
    });
    result.wait();
  };
  bool in_time = false;
  try {
    in_time = result.wait(deadline);
  } catch (...) {
    end_it();
    throw;
  }
  if (!in_time) {
    end_it();
    throw TimeoutError("call: the other hub has not answered in time");
  }
  const Shield shield; // it is there: nothing that comes now takes it away
  return std::move(result).get();
}

} // namespace detail

// spawn() with a name, a stack size, or on another hub. On another hub f and its arguments are
// moved there; the handle is one of this hub, to a greenlet that waits for the result: killing it
// kills the other. Closed, from get(), if that hub has shut down. std::invalid_argument for options
// that exclude each other.
template <class F, class... Args>
requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>>
spawn(const SpawnOptions& options, F&& f, Args&&... args) {
  if (detail::elsewhere(options)) {
    if (options.inherit)
      throw std::invalid_argument("grove: spawn: a greenlet of another hub can not inherit");
    using Call = detail::Bound<std::decay_t<F>, std::decay_t<Args>...>;
    return spawn([options, call = Call(std::forward<F>(f), std::forward<Args>(args)...)]() mutable {
      return detail::call_on<SpawnResult<F, Args...>>(*options.hub, options, std::move(call));
    });
  }
  if (options.inherit) {
    using Call = detail::Bound<std::decay_t<F>, std::decay_t<Args>...>;
    auto ref =
        make_greenlet([deadline = current_deadline(),
                       call = Call(std::forward<F>(f), std::forward<Args>(args)...)]() mutable {
          const Timeout limit(deadline);
          return call();
        });
    detail::set_options(ref.identity(), options);
    detail::end_with_parent(ref.identity());
    detail::start_here(*detail::this_hub, ref.identity());
    return ref;
  }
  auto ref = make_greenlet(std::forward<F>(f), std::forward<Args>(args)...);
  detail::set_options(ref.identity(), options);
  detail::start_here(*detail::this_hub, ref.identity());
  return ref;
}

} // namespace grove
