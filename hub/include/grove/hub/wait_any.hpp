// SPDX-License-Identifier: MIT
// wait_any: takes exactly one of several operations.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/timer.hpp>
#include <grove/hub/join.hpp>

namespace grove {

// What an operation gives, as a variant's alternative: nothing is std::monostate.
template <class Op>
using OperationResult = std::conditional_t<std::is_void_v<typename std::decay_t<Op>::Result>,
                                           std::monostate, typename std::decay_t<Op>::Result>;

// The operation that succeeds at a point in time: `wait_any(queue.get_op(), after(1s))`.
class after : public detail::Operation {
public:
  using Result = void;
  explicit after(Deadline when) : when_(when) {
    timer_.owner = this;
    timer_.fire = [](detail::Timer& timer) noexcept {
      after* self = static_cast<OpTimer&>(timer).owner;
      if ((self->waiter_.who->flags & detail::flag::parked) == 0)
        return;
      self->waiter_.granted = true;
      detail::wake(self->waiter_.who);
    };
  }
  ~after() { detail::disarm(timer_); }
  bool ready() const { return when_.has_passed(); }
  void arm() {
    if (!when_.is_never())
      detail::arm(timer_, when_.nanoseconds());
  }
  void disarm() { detail::disarm(timer_); }
  void take() {}
  static constexpr const char* name = "wait_any(after)";

private:
  struct OpTimer : detail::Timer {
    after* owner = nullptr;
  };
  Deadline when_;
  OpTimer timer_;
};

// The operation that succeeds when a greenlet or actor of this hub has ended.
class ended : public detail::Operation {
public:
  using Result = void;
  // std::logic_error for an empty handle.
  explicit ended(const Joinable& who);
  bool ready() const { return !who_.alive(); }
  void arm() {
    if (who_.identity == detail::this_hub->current) {
      throw std::logic_error("grove: wait_any: a greenlet waits for its own end");
    }
    detail::WaitList::push_back(detail::joiners_of(who_.identity), waiter_);
  }
  void take() {}
  static constexpr const char* name = "wait_any(ended)";

protected:
  const std::uint32_t* order_of_end() const;

private:
  detail::IdentityRef who_;
};

// Waits until one of the operations can be done, does that one, and leaves the others undone; of
// several that can be done at once it does the first in the list. The variant's index tells which.
// A suspension point: after a kill or an expired Timeout scope none has been done.
template <class... Ops>
requires(sizeof...(Ops) > 0 && (detail::IsOperation<std::decay_t<Ops>> &&
                                ...)) std::variant<OperationResult<Ops>...> wait_any(Ops&&... ops) {
  using Results = std::variant<OperationResult<Ops>...>;
  detail::check_interrupts();
  std::optional<Results> result;
  const auto take_first = [&]<std::size_t... I>(std::index_sequence<I...>, auto can) {
    const auto try_one = [&]<std::size_t Index>(auto& op) {
      if (!can(op))
        return false;
      if constexpr (std::is_void_v<typename std::decay_t<decltype(op)>::Result>) {
        op.take();
        result.emplace(std::in_place_index<Index>);
      } else {
        result.emplace(std::in_place_index<Index>, op.take());
      }
      return true;
    };
    return (try_one.template operator()<I>(ops) || ...);
  };
  constexpr auto indices = std::index_sequence_for<Ops...>{};
  (ops.reset(), ...); // an operation may be used again
  if (take_first(indices, [](auto& op) { return op.ready(); }))
    return std::move(*result);
  {
    // The winner has claimed when it wakes us; the others leave their lines, whatever happened.
    auto lines = std::tie(ops...);
    struct Leave {
      decltype(lines)& all;
      ~Leave() {
        std::apply([](auto&... op) { (op.disarm(), ...); }, all);
      }
    } leave{lines};
    (ops.arm(), ...);
    detail::park("wait_any");
  }
  take_first(indices, [](auto& op) { return op.woken(); });
  return std::move(*result);
}

} // namespace grove
