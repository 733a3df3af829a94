// SPDX-License-Identifier: MIT
// Waiting for, and ending, several greenlets and actors together.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <span>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/identity.hpp>
#include <grove/hub/greenlet.hpp>

namespace grove {

// Joinable stands for anything of this hub that ends: a greenlet, a subclass of Greenlet, an actor.
// It owns nothing; made implicitly, for the length of a call.
class Joinable {
public:
  Joinable(const GreenletRef<>& greenlet) // NOLINT: implicit on purpose
      : ref_{greenlet.identity(), greenlet.identity() ? greenlet.identity()->generation : 0} {}
  explicit Joinable(detail::IdentityRef ref) : ref_(ref) {}
  template <class Ref>
  requires requires(const Ref& ref) { ref.joinable(); }
  Joinable(const Ref& ref) : Joinable(ref.joinable()) {} // NOLINT: implicit on purpose

  detail::IdentityRef ref() const { return ref_; }
  class EndOp;
  [[nodiscard]] EndOp wait_op() const; // see wait.hpp

private:
  detail::IdentityRef ref_;
};

// Waits until all have ended. False if the deadline came first. What they threw is left to them:
// ask each. std::logic_error if the caller is among them. A kill or a Timeout scope of the caller
// ends the wait and is nothing to those it waits for.
bool join_all(std::span<const Joinable> all, Deadline deadline = {});
bool join_all(std::initializer_list<Joinable> all, Deadline deadline = {});
template <class Ref>
bool join_all(const std::vector<Ref>& all, Deadline deadline = {}) {
  const std::vector<Joinable> list(all.begin(), all.end());
  return join_all(std::span<const Joinable>(list), deadline);
}

struct JoinOptions {
  Deadline deadline{};
  std::size_t count = std::numeric_limits<std::size_t>::max(); // so many ends are enough
  bool raise_error = false; // throw the error of the first greenlet that ends with one, at once
};
// Waits for ends, and returns how many there were. A kill is no error.
std::size_t join_all(std::span<const Joinable> all, const JoinOptions& options);
template <class Ref>
std::size_t join_all(const std::vector<Ref>& all, const JoinOptions& options) {
  const std::vector<Joinable> list(all.begin(), all.end());
  return join_all(std::span<const Joinable>(list), options);
}

// Kills all, then waits for their ends. False if the deadline came first. The kills are sent before
// the wait: when a kill or a Timeout scope of the caller ends that, or the deadline does, they
// stay. If the caller is among them its own is thrown at once, and those behind it are not killed.
bool kill_all(std::span<const Joinable> all, Deadline deadline = {});
bool kill_all(std::initializer_list<Joinable> all, Deadline deadline = {});
template <class Ref>
bool kill_all(const std::vector<Ref>& all, Deadline deadline = {}) {
  const std::vector<Joinable> list(all.begin(), all.end());
  return kill_all(std::span<const Joinable>(list), deadline);
}

namespace detail {
bool join_identity(IdentityRef ref, Deadline deadline);
void kill_identity(Identity* identity, std::exception_ptr error);
WaitNode& joiners_of(Identity* identity);
} // namespace detail

} // namespace grove
