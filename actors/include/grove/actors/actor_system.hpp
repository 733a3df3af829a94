// SPDX-License-Identifier: MIT
// ActorSystem: actors on every processor, and their orderly end.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>
#include <grove/actors/place.hpp>
#include <grove/actors/snapshot.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>

namespace grove {

struct SystemOptions {
  std::size_t hubs = 0; // 0: one for each processor that this process may use
  bool pin = false;     // each hub's thread, and those that it starts later, stay on one processor
  std::chrono::nanoseconds grace = std::chrono::seconds(5); // for each phase of the shutdown
};

// What an ActorSystem's shutdown found.
struct ShutdownReport {
  // Alive when the grace period of its phase was over: it was killed then.
  struct Survivor {
    ActorRef<Actor> actor;
    std::string name;
    const char* type = "";
    std::uint16_t hub = 0;
    int phase = 0;
    std::string activity;  // "Ponger.receive(Ping) waits in ask"
    std::uint32_t inbox{}; // messages that it had not handled
    bool declined = false; // it has survived the kill, too
  };
  std::vector<Survivor> survivors;
  std::size_t told = 0; // actors that were told to end
  bool clean() const { return survivors.empty(); }
  ShutdownReport& operator+=(ShutdownReport&& other);
};

// ActorSystem runs actors on several hubs: that of the thread which makes it, and a thread for each
// of the others. What an actor spawns by itself lives on its own hub; spawn() of the system says
// where. References work from everywhere.
//
// It is made and destroyed on one thread, a hub's; spawn(), call() and the rest may be used by any
// thread meanwhile. At the latest its destructor shuts it down, and logs who had to be killed.
class ActorSystem {
public:
  // std::invalid_argument for options that make no sense, std::system_error if a thread cannot be
  // started.
  explicit ActorSystem(const SystemOptions& options = {});
  ActorSystem(const ActorSystem&) = delete;
  ActorSystem& operator=(const ActorSystem&) = delete;
  ~ActorSystem();

  std::size_t hubs() const;
  // 0 is the hub of the thread that made it. std::out_of_range.
  Hub& hub(std::size_t index) const;

  // As grove::spawn<A>(), on the hub that the place says. On another hub the arguments are moved
  // there and the caller waits for the answer; a kill or a Timeout scope of the caller may then
  // leave an actor that nobody knows. Closed once the shutdown has begun.
  template <std::derived_from<Actor> A, class... Args>
  requires std::constructible_from<A, std::decay_t<Args>...> ActorRef<A> spawn(const Place& place,
                                                                               Args&&... args) {
    return spawn<A>(place, ActorOptions{}, std::forward<Args>(args)...);
  }
  template <std::derived_from<Actor> A, class... Args>
  requires std::constructible_from<A, std::decay_t<Args>...> ActorRef<A>
  spawn(const Place& place, const ActorOptions& options, Args&&... args) {
    const std::size_t index = choose(place);
    auto make = [this, options, phase = place.phase(),
                 arguments =
                     std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)]() mutable {
      const auto made = std::apply(
          [&](auto&... each) { return grove::spawn<A>(options, std::move(each)...); }, arguments);
      enroll(phase, made);
      return made;
    };
    return call(index, std::move(make));
  }
  // On the next hub in turn.
  template <std::derived_from<Actor> A, class... Args>
  requires std::constructible_from<A, std::decay_t<Args>...> ActorRef<A> spawn(Args&&... args) {
    return spawn<A>(Place::anywhere(), ActorOptions{}, std::forward<Args>(args)...);
  }

  // Runs f on that hub, in a greenlet of its own unless it is this one, and waits for its result:
  // see HubThread::call().
  template <std::invocable F>
  std::invoke_result_t<std::decay_t<F>> call(std::size_t index, F&& f, Deadline deadline = {}) {
    Hub& to = hub(index);
    if (detail::this_hub->hub == &to)
      return f();
    return detail::call_hub(to, std::forward<F>(f), deadline);
  }

  // Of all hubs, one after the other.
  ActorSnapshot snapshot();

  // Ends all actors, the highest phase first; phase 0, the last, is every actor of these hubs that
  // is not in another. Those of a phase are told at once: what was sent to them before is handled,
  // on_stop has reason `shutdown`, children end before their parents. Who still lives when the
  // grace is over is reported, and killed. Then the threads end, and what greenlets they run is
  // killed. A second call gives an empty report. Waits; a kill or a Timeout scope of the caller
  // comes after it. On the thread that made the system; std::logic_error from one of its actors.
  ShutdownReport shutdown();

private:
  struct Running;
  std::size_t choose(const Place& place) const;
  void enroll(int phase, const ActorRef<Actor>& actor);

  std::unique_ptr<Running> running_;
};

} // namespace grove
