// SPDX-License-Identifier: MIT
// Supervisor: an actor that starts others in order, and starts again those that fail.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/detail/child_factory.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/greenlet.hpp>

namespace grove {

// Who is started again when one child has failed.
enum class Strategy : std::uint8_t {
  one_for_one,        // that child
  one_for_all,        // all: the others are shut down first, in reverse order
  rest_for_one,       // that child and those added after it
  simple_one_for_one, // that child; children have no order, and are shut down at once
};

// Whether a child that ends is started again.
enum class Restart : std::uint8_t {
  permanent, // however it ended
  transient, // unless it stopped or was shut down
  temporary, // never
};

// Whether a supervisor shuts down when significant children have ended by themselves, for good.
enum class AutoShutdown : std::uint8_t { never, any_significant, all_significant };

// The pause before a restart: `first`, doubled with each failure in a row up to `longest`, then
// lengthened by a random part of up to `jitter` of it. A child that has lived for half of first +
// longest begins anew. (Akka's and Pekko's, SupervisorStrategy.scala.)
struct Backoff {
  std::chrono::nanoseconds first{0}; // 0: no pause
  std::chrono::nanoseconds longest{0};
  double jitter = 0;
};

struct SupervisorOptions {
  Strategy strategy = Strategy::one_for_one;
  unsigned intensity = 1; // so many restarts within `period`; with one more it fails
  std::chrono::nanoseconds period = std::chrono::seconds(5); // slides
  Backoff backoff{};
  AutoShutdown auto_shutdown = AutoShutdown::never;
};

inline constexpr std::chrono::nanoseconds brutal_kill{0};
inline constexpr std::chrono::nanoseconds unlimited = std::chrono::nanoseconds::max();

struct ChildSpec {
  std::string id{}; // unique under its supervisor; empty: "child-1" and so on
  Restart restart = Restart::permanent;
  // How long it may take to shut down, before it is killed. By default five seconds; for
  // supervisors unlimited.
  std::optional<std::chrono::nanoseconds> shutdown{};
  bool significant = false; // see AutoShutdown; not for permanent ones
  InboxOptions inbox{};
  // Over a restart. Else what waits at its end is dropped, as at an end for good; what comes during
  // the pause is kept.
  bool keep_inbox = true;
};

struct ChildInfo {
  enum class State : std::uint8_t { running, restarting, ended };
  std::string id;
  ActorRef<Actor> actor;
  State state = State::running;
  std::size_t restarts = 0;
  const char* type = "";
};

// TooManyRestarts is the error of a supervisor that gave up.
class TooManyRestarts : public std::runtime_error {
  using runtime_error::runtime_error;
};

// Supervisor is an actor that owns its children: made on its hub, started in order, ended in
// reverse order before it ends itself. Derive from it and add() in on_start, or add_child() to one
// that runs. A child that fails is constructed again, from copies of the same arguments, in its
// place: references to it stay good, its inbox is kept (see ChildSpec::keep_inbox), and only the
// message in work is lost (its asker gets the error). Monitors hear of the end for good, not of
// restarts; a kill() of a child waits for the end of what runs, which may then be started again,
// while join() and kill_all() wait for the end for good.
//
// While it starts or stops a child it handles no message. A start that fails in add() is thrown
// there, a restart that fails counts as one more failure. After more than `intensity` restarts
// within `period` the supervisor fails with TooManyRestarts, and ends all its children.
class Supervisor : public Actor {
public:
  explicit Supervisor(const SupervisorOptions& options = {});
  ~Supervisor();

  // Starts a child and returns when its on_start is over; what that throws is thrown here, and
  // there is no such child. std::invalid_argument for an id that is in use. In a handler or hook of
  // the supervisor only.
  template <std::derived_from<Actor> A, class... Args>
  requires std::constructible_from < A, const std::decay_t<Args>
  &... > ActorRef<A> add(ChildSpec spec, Args&&... args) {
    if (!spec.shutdown && std::derived_from<A, Supervisor>)
      spec.shutdown = unlimited;
    const detail::IdentityRef child =
        start(std::move(spec), detail::make_child_factory<A>(std::forward<Args>(args)...));
    return {child.identity, child.generation};
  }

  // -- messages --------------------------------------------------------------------------------
  // Its children, in their order.
  struct Children {};
  std::vector<ChildInfo> receive(const Children&);
  // Shuts it down; the spec stays, except that of a temporary one. False: there is no such child.
  struct Terminate {
    std::string id;
  };
  bool receive(const Terminate& message);
  // Starts one again that has ended, under a new reference.
  struct Revive {
    std::string id;
  };
  struct Started {
    ActorRef<Actor> actor{};
    std::exception_ptr error{}; // why there is none
  };
  Started receive(const Revive& message);
  // Forgets the spec of one that has ended. False: there is none, or it has not ended.
  struct Forget {
    std::string id;
  };
  bool receive(const Forget& message);
  // What add_child() sends.
  struct Add {
    std::function<ActorRef<Actor>(Supervisor&)> add;
  };
  Started receive(const Add& message);

  class Access; // the library's side

private:
  struct Child;
  using TimePoint = std::chrono::steady_clock::time_point;

  detail::IdentityRef start(ChildSpec spec, std::unique_ptr<detail::ChildFactory> factory);
  void launch(Child& child);
  void run_start(Child& child, const detail::IdentityRef& slot);
  void ended(std::uint64_t number, std::uint64_t incarnation, const ExitReason& reason);
  void count_restart(const Child& child, const ExitReason& reason);
  void settle_end(Child& child);
  void restart_from(Child& child);
  void start_due();
  void start_later(TimePoint when);
  bool shut_down(Child& child);
  void place_in_order(const Child& child);
  Child* find(const std::string& id);
  std::size_t place_of(const Child& child) const;

  SupervisorOptions options_;
  std::vector<std::unique_ptr<Child>> children_;
  std::deque<TimePoint> restarts_; // of the last period
  std::uint64_t numbers_ = 0;
  GreenletRef<> alarm_; // tells when the next restart is due
};

// add() to a supervisor that runs, from anywhere; waits for the start.
template <std::derived_from<Actor> A, std::derived_from<Supervisor> S, class... Args>
ActorRef<A> add_child(const ActorRef<S>& supervisor, ChildSpec spec, const Args&... args) {
  // Decayed before they travel: a literal that is copied as an array ends with the message.
  const Supervisor::Started started = supervisor.ask(Supervisor::Add{
      [spec = std::move(spec), arguments = std::tuple<std::decay_t<const Args&>...>(args...)](
          Supervisor& me) -> ActorRef<Actor> {
        return std::apply([&](const auto&... each) { return me.add<A>(spec, each...); }, arguments);
      }});
  if (started.error != nullptr)
    std::rethrow_exception(started.error);
  const detail::IdentityRef child = started.actor.joinable();
  return {child.identity, child.generation};
}

} // namespace grove
