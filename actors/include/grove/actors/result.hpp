// SPDX-License-Identifier: MIT
// Result: what try_ask() returns, an answer or the kind of its failure.
#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/hub/exceptions.hpp>

namespace grove {

// Why there is no answer.
enum class AskError : std::uint8_t {
  timeout,  // AskTimeout
  down,     // ActorDown
  rejected, // Rejected, by the handler
  broken,   // BrokenReply
  full,     // InboxFull
  failed,   // whatever else left the handler
};
const char* to_string(AskError error);

namespace detail {
AskError kind_of(const std::exception_ptr& error);
} // namespace detail

// Result<R> holds an answer, or why there is none; R may be void. A value like any other: any
// thread, one at a time.
template <class R>
class [[nodiscard]] Result {
  using Value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

public:
  // -- construction ------------------------------------------------------------------------------
  Result(Value value) : outcome_(std::in_place_index<0>, std::move(value)) {} // NOLINT: implicit
  explicit Result(std::exception_ptr error)
      : outcome_(std::in_place_index<1>, std::move(error)),
        error_(detail::kind_of(std::get<1>(outcome_))) {}
  Result(AskError kind, std::exception_ptr error)
      : outcome_(std::in_place_index<1>, std::move(error)), error_(kind) {}

  // -- looking -----------------------------------------------------------------------------------
  bool has_value() const { return outcome_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // The answer; throws what ask() would have thrown if there is none.
  std::add_lvalue_reference_t<R> value() & { return checked(*this); }
  std::add_lvalue_reference_t<const R> value() const& { return checked(*this); }
  R value() && {
    if constexpr (std::is_void_v<R>)
      checked(*this);
    else
      return std::move(checked(*this));
  }
  auto& operator*() requires(!std::is_void_v<R>) { return checked(*this); }
  const auto& operator*() const requires(!std::is_void_v<R>) { return checked(*this); }
  auto* operator->() requires(!std::is_void_v<R>) { return &checked(*this); }
  const auto* operator->() const requires(!std::is_void_v<R>) { return &checked(*this); }
  template <class U>
  Value value_or(U&& otherwise) const& {
    return has_value() ? std::get<0>(outcome_) : static_cast<Value>(std::forward<U>(otherwise));
  }

  // Why there is none; std::logic_error if there is one.
  AskError error() const {
    if (has_value())
      throw std::logic_error("grove: Result.error: there is an answer");
    return error_;
  }
  std::exception_ptr exception() const { return has_value() ? nullptr : std::get<1>(outcome_); }
  // In words; empty if there is an answer.
  std::string what() const { return has_value() ? std::string() : describe(std::get<1>(outcome_)); }

private:
  template <class Self>
  static decltype(auto) checked(Self& self) {
    if (!self.has_value())
      std::rethrow_exception(std::get<1>(self.outcome_));
    if constexpr (!std::is_void_v<R>)
      return (std::get<0>(self.outcome_));
  }

  std::variant<Value, std::exception_ptr> outcome_;
  AskError error_ = AskError::failed;
};

} // namespace grove
