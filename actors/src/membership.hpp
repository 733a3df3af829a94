// SPDX-License-Identifier: MIT
// Membership: what actors of any hub belong to until they end for good. A topic, a router, a work
// queue.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <grove/actors/errors.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/hub_thread.hpp>

#include "relations.hpp"

namespace grove::detail {

// One of these, shared by hubs, has a mutex of its own. What concerns an actor in it is done on the
// actor's hub, one after the other: so an actor that has ended cannot come in any more.
class Membership {
public:
  Membership() = default;
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;
  virtual ~Membership() = default;

  // The actor ends for good, and nobody has heard of it yet.
  virtual void actor_ended(const IdentityRef& actor) noexcept = 0;
  // Its object has ended, and may be started again. False: it does not belong here any more.
  virtual bool object_ended(const IdentityRef& /*actor*/) noexcept { return true; }
};

// On the actor's hub: the membership hears of its end.
void enter_membership(const IdentityRef& actor, const std::shared_ptr<Membership>& membership);
void leave_membership(const IdentityRef& actor, const Membership& membership) noexcept;

// What f() returns, done on the actor's hub while it lives; waits for that, if it is another one.
// f may not wait. ActorDown if the actor has ended.
template <class F>
std::invoke_result_t<F> at_home_of(const IdentityRef& actor, const char* call, F f) {
  using Result = std::invoke_result_t<F>;
  const auto do_it = [actor, call, f]() -> Result {
    if (!actor.alive())
      throw ActorDown(std::string(call) + ": the actor has ended");
    return f();
  };
  const auto is_gone = [call] {
    return ActorDown(std::string(call) + ": the actor has ended, or its hub has");
  };
  if (actor.identity == &nobody)
    throw ActorDown(std::string(call) + ": the reference names nobody");
  if (is_here(actor))
    return do_it();
  if (this_hub->index == no_hub_index) { // this thread
    std::optional<Result> result;
    std::exception_ptr error;
    const auto keep = [&] {
      try {
        result.emplace(do_it());
      } catch (const std::exception&) {
        error = std::current_exception();
      }
    };
    try {
      block_on(*hub_of(actor.identity), keep, {});
    } catch (const Closed&) {
      throw is_gone();
    }
    if (error != nullptr)
      std::rethrow_exception(error);
    return std::move(*result);
  }
  const AsyncResult<Result> done;
  const auto answer = [done, do_it] {
    try {
      done.set(do_it());
    } catch (...) {
      done.set_exception(std::current_exception());
    }
  };
  if (!on_home_of(actor.identity, answer))
    throw is_gone();
  return done.get();
}

struct SameActor {
  bool operator()(const IdentityRef& a, const IdentityRef& b) const { return same(a, b); }
};
struct ActorHash {
  std::size_t operator()(const IdentityRef& actor) const noexcept {
    return std::hash<ActorRef<Actor>>()(actor_ref(actor));
  }
};

} // namespace grove::detail
