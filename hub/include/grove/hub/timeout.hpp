// SPDX-License-Identifier: MIT
// Timeout scopes, and shields against them and against kills.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/timer.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

// A Timeout limits the time of whatever its greenlet does while the object lives: when it runs out,
// TimeoutExpired is thrown at the suspension point, naming this object (or an error of your own).
// Scopes nest; an inner one may outlast an outer one, and each is told apart by is(). A kill that
// arrives first wins; the scope ends with the object, after which nothing is thrown any more.
// Hub-local; lives on the stack of the greenlet (or handler) that made it.
class Timeout : detail::Timer {
public:
  // Starts at once. A default Deadline never expires.
  explicit Timeout(Deadline deadline);
  // The same, and what is thrown is that error: `Timeout limit(5s, TooLong())`.
  Timeout(Deadline deadline, std::exception_ptr error) : Timeout(deadline) {
    if (error != nullptr)
      error_ = new std::exception_ptr(std::move(error));
  }
  template <class E>
  requires(!std::convertible_to<E, std::exception_ptr>) Timeout(Deadline deadline, E error)
      : Timeout(deadline, std::make_exception_ptr(std::move(error))) {}
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;
  ~Timeout();

  // The scope goes on without a limit.
  void cancel() noexcept;
  bool pending() const { return armed(); } // armed and not expired
  bool is(const TimeoutExpired& expired) const { return expired.scope == this; }

private:
  friend struct detail::Interrupts;
  friend Deadline current_deadline();
  void begin(detail::HubState& hub, Deadline deadline) noexcept;
  void begin_slowly(Deadline deadline); // makes first what there is not yet
  detail::IdentityRef owner() const { return {owner_, generation_}; }
  void end_slowly() noexcept;
  // begin() sets them all, each once.
  detail::Identity* owner_;
  Timeout* next_;            // in its owner's list of expired scopes
  Timeout* outer_;           // in its owner's list of open scopes
  std::uint32_t generation_; // the owner's
  bool expired_;
  std::exception_ptr* error_; // owned; null, as nearly always: TimeoutExpired
};

// The earliest end of the running greenlet's open Timeout scopes.
Deadline current_deadline();

// Calls f within a Timeout scope. Its result, or nothing (false, for one that returns void) if the
// time ran out first; scopes of others pass through.
template <std::invocable F>
auto with_timeout(Deadline deadline, F&& f) {
  using Result = std::invoke_result_t<F>;
  Timeout scope(deadline);
  try {
    if constexpr (std::is_void_v<Result>) {
      std::invoke(std::forward<F>(f));
      return true;
    } else {
      return std::optional<std::decay_t<Result>>(std::invoke(std::forward<F>(f)));
    }
  } catch (const TimeoutExpired& expired) {
    if (!scope.is(expired))
      throw;
  }
  if constexpr (std::is_void_v<Result>)
    return false;
  else
    return std::optional<std::decay_t<Result>>();
}

// While a Shield lives, kills and expired Timeout scopes of its greenlet are held back; they are
// thrown at the first suspension point after it. Deadlines of single calls go on as ever.
class Shield {
public:
  Shield();
  Shield(const Shield&) = delete;
  Shield& operator=(const Shield&) = delete;
  ~Shield();

private:
  detail::Context* context_;
};

} // namespace grove
