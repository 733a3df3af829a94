// SPDX-License-Identifier: MIT
// HubThread: a further hub, on a thread of its own.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>

namespace grove {

// HubThread starts a thread with a hub. The object may be made and destroyed on any thread; its
// destructor shuts the hub down in order: what still runs there is killed and unwound, then the
// thread ends and is joined. On a hub's thread that wait is green, under a shield: a kill or a
// Timeout scope comes after it.
class HubThread {
public:
  // std::system_error if the thread cannot be started.
  explicit HubThread(std::string name = {});
  HubThread(const HubThread&) = delete;
  HubThread& operator=(const HubThread&) = delete;
  ~HubThread();

  Hub& hub() const;

  // Runs f in a greenlet of that hub and waits for its result. Called on a hub it parks only the
  // greenlet; on any other thread it blocks the thread. If the deadline comes first, or a kill or a
  // Timeout scope to who waits, f's greenlet is killed, and waited for under a shield, as f may
  // refer to the caller's stack; then TimeoutError, or the interrupt, is thrown, and a result that
  // f has nevertheless is dropped. Closed if that hub has shut down, or does so before f has ended.
  template <std::invocable F>
  std::invoke_result_t<std::decay_t<F>> call(F&& f, Deadline deadline = {});

private:
  struct Running;
  std::unique_ptr<Running> running_;
};

namespace detail {

// Runs f on the hub and blocks this thread, which has none, until it is done.
void block_on(Hub& hub, const std::function<void()>& f, Deadline deadline);

// HubThread::call() for any hub.
template <std::invocable F>
std::invoke_result_t<std::decay_t<F>> call_hub(Hub& hub, F&& f, Deadline deadline = {}) {
  using Result = std::invoke_result_t<std::decay_t<F>>;
  if (this_hub->index != no_hub_index)
    return call_on<Result>(hub, SpawnOptions{}, std::decay_t<F>(std::forward<F>(f)), deadline);
  std::exception_ptr error;
  std::optional<std::conditional_t<std::is_void_v<Result>, bool, Result>> result;
  const auto work = [&] {
    try {
      if constexpr (std::is_void_v<Result>) {
        f();
        result.emplace(true);
      } else {
        result.emplace(f());
      }
    } catch (const GreenletExit&) {
      throw;
    } catch (...) {
      error = std::current_exception();
    }
  };
  block_on(hub, work, deadline);
  if (error)
    std::rethrow_exception(error);
  if constexpr (!std::is_void_v<Result>)
    return std::move(*result);
}

} // namespace detail

template <std::invocable F>
std::invoke_result_t<std::decay_t<F>> HubThread::call(F&& f, Deadline deadline) {
  return detail::call_hub(hub(), std::forward<F>(f), deadline);
}

} // namespace grove
