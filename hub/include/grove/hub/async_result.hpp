// SPDX-License-Identifier: MIT
// AsyncResult: a value, or an exception, that comes later, perhaps from another thread.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/hub_life.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/hub.hpp>

namespace grove {

namespace detail {
template <class T>
using AsyncValue = std::conditional_t<std::is_void_v<T>, bool, T>;

// What is to follow when something is set: run once, on the hub of the result. Destroyed unrun, on
// whatever thread, if the last handle goes before anything was set.
template <class Value>
struct Sequel {
  std::unique_ptr<Sequel> next;
  Sequel() = default;
  Sequel(const Sequel&) = delete;
  Sequel& operator=(const Sequel&) = delete;
  virtual ~Sequel() = default;
  virtual void run(const std::exception_ptr& error, Value* value) noexcept = 0;
};
struct AsyncAccess;
} // namespace detail

// AsyncResult<T> is a handle, shared by copying, to a place for one T. Waiting and looking are for
// the hub that made it; set() and set_exception() may be called from any thread. What is set first
// stays. A kill, a Timeout scope or a deadline that ends a wait changes nothing. From another
// thread the value arrives in the order in which that thread posts to the hub; it is lost if the
// hub has shut down.
template <class T>
class AsyncResult {
  using Value = detail::AsyncValue<T>;
  struct State {
    detail::HubLife home;
    detail::HomeCheck check;
    detail::WaitList waiters;
    bool is_set = false;
    std::exception_ptr error;
    std::optional<Value> value;
    std::unique_ptr<detail::Sequel<Value>> sequel; // in the order in which they were added

    template <class... Args>
    void set_value(Args&&... v) {
      if (is_set)
        return;
      if constexpr (!std::is_void_v<T>)
        value.emplace(std::forward<Args>(v)...);
      is_set = true;
      waiters.grant_all();
      follow();
    }
    void set_error(std::exception_ptr e) {
      if (is_set)
        return;
      error = std::move(e);
      is_set = true;
      waiters.grant_all();
      follow();
    }
    void follow() {
      for (auto next = std::move(sequel); next != nullptr; next = std::move(next->next))
        next->run(error, value ? &*value : nullptr);
    }
  };

public:
  AsyncResult() : state_(std::make_shared<State>()) {}

  // -- setting: any thread -------------------------------------------------------------------
  template <class... Args>
  requires(std::is_void_v<T> ? sizeof...(Args) == 0
                             : sizeof...(Args) == 1) void set(Args&&... value) const {
    if (state_->home.is_here()) {
      state_->set_value(std::forward<Args>(value)...);
    } else {
      elsewhere([state = state_, ... v = std::decay_t<Args>(std::forward<Args>(value))]() mutable {
        if (state->home.is_here())
          state->set_value(std::move(v)...);
      });
    }
  }
  void set_exception(std::exception_ptr error) const {
    if (error == nullptr)
      throw std::invalid_argument("grove: AsyncResult.set_exception: null");
    if (state_->home.is_here()) {
      state_->set_error(std::move(error));
    } else {
      elsewhere([state = state_, error] {
        if (state->home.is_here())
          state->set_error(error);
      });
    }
  }

  // -- looking -------------------------------------------------------------------------------
  bool ready() const { return state_->is_set; }
  bool successful() const { return state_->is_set && state_->error == nullptr; }
  std::exception_ptr exception() const { return state_->error; }

  // -- waiting -------------------------------------------------------------------------------
  // False if the deadline came first.
  bool wait(Deadline deadline = {}) const {
    state_->check("AsyncResult.wait");
    detail::check_interrupts();
    if (state_->is_set)
      return true;
    const auto keep = state_;
    detail::Waiter waiter;
    keep->waiters.push_back(waiter);
    return detail::park_until("AsyncResult.wait", deadline) == detail::Wake::ready;
  }
  // The value, or what was set as the exception; TimeoutError if the deadline came first.
  std::conditional_t<std::is_void_v<T>, void, std::add_lvalue_reference_t<const T>>
  get(Deadline deadline = {}) const& {
    wait_or_throw(deadline);
    if constexpr (!std::is_void_v<T>)
      return *state_->value;
  }
  T get(Deadline deadline = {}) && {
    wait_or_throw(deadline);
    if constexpr (!std::is_void_v<T>) {
      if constexpr (std::copy_constructible<T>) {
        if (state_.use_count() > 1)
          return *state_->value;
      }
      return std::move(*state_->value);
    }
  }

  // For wait_any(): succeeds when something was set; then get() does not wait.
  class WaitOp : public detail::Operation {
  public:
    using Result = void;
    explicit WaitOp(const AsyncResult& result) : state_(result.state_) {}
    bool ready() const { return state_->is_set; }
    void arm() { state_->waiters.push_back(waiter_); }
    void take() {}
    static constexpr const char* name = "wait_any(AsyncResult)";

  private:
    std::shared_ptr<State> state_;
  };
  [[nodiscard]] WaitOp wait_op() const {
    state_->check("AsyncResult.wait_op");
    return WaitOp(*this);
  }

private:
  friend detail::AsyncAccess;
  void wait_or_throw(Deadline deadline) const {
    if (!wait(deadline))
      throw TimeoutError("AsyncResult.get: nothing was set in time");
    if (state_->error != nullptr)
      std::rethrow_exception(state_->error);
  }
  template <class F>
  void elsewhere(F f) const {
    detail::post_inline(state_->home.hub(), std::move(f));
  }

  std::shared_ptr<State> state_;
};

namespace detail {
// For grove's other libraries.
struct AsyncAccess {
  template <class T>
  static const HubLife& home(const AsyncResult<T>& result) {
    return result.state_->home;
  }
  // At once if something was set before. On the hub of the result.
  template <class T>
  static void then(const AsyncResult<T>& result, std::unique_ptr<Sequel<AsyncValue<T>>> sequel) {
    auto& state = *result.state_;
    std::unique_ptr<Sequel<AsyncValue<T>>>* end = &state.sequel;
    while (*end != nullptr)
      end = &(*end)->next;
    *end = std::move(sequel);
    if (state.is_set)
      state.follow();
  }
};
} // namespace detail

} // namespace grove
