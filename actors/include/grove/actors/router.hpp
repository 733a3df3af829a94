// SPDX-License-Identifier: MIT
// Router: a group of actors that is used like one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors/actor_ref.hpp>
#include <grove/actors/ask_first.hpp>
#include <grove/actors/detail/tell_many.hpp>
#include <grove/actors/supervisor.hpp>
#include <grove/hub/deadline.hpp>

namespace grove {

// Who gets the next message.
enum class Routing : std::uint8_t {
  round_robin,    // one after the other
  random,         // anybody; under a Simulation drawn from its seed
  smallest_inbox, // who has the fewest messages to handle; of equals one after the other
};

namespace detail {
class RouterState;
using RouterHandle = std::shared_ptr<RouterState>;
RouterHandle make_router(Routing routing);
bool add_routee(const RouterHandle& router, const IdentityRef& actor);
bool remove_routee(const RouterHandle& router, const IdentityRef& actor);
// Nobody, if there is none.
IdentityRef next_routee(RouterState& router);
IdentityRef routee_of_key(RouterState& router, std::uint64_t key);
std::vector<IdentityRef> routees_of(RouterState& router);
} // namespace detail

// Router<A> is used like a reference: each message goes to one of a group of actors of class A, its
// routees. It is a handle; copies are to the same group. Any thread may use it, and routees may be
// of any hub, unless it goes by the smallest inbox: such a router belongs to the hub that made it,
// as do its routees.
//
// A routee that ends for good is a routee no more, before anybody hears of its end; a restart by
// its supervisor changes nothing. Without routees it names nobody: tell() is a dead letter, ask()
// throws ActorDown. A message that has gone to a routee shares its fate.
template <class A>
class Router {
  static_assert(!detail::is_api<A>, "a router is for actors of one class");

public:
  // std::logic_error by the smallest inbox on a thread without a hub.
  explicit Router(Routing routing = Routing::round_robin) : state_(detail::make_router(routing)) {}

  // -- routees ---------------------------------------------------------------------------------
  // False if it is one already. ActorDown if it has ended. std::invalid_argument by the smallest
  // inbox, if it is of another hub. Of one of another hub it waits until that hub has heard of it;
  // a kill or a Timeout scope may end this wait on either side of the change.
  bool add(const ActorRef<A>& actor) const { return detail::add_routee(state_, actor.joinable()); }
  // False if it is none. What it was sent stays with it. Waits as add() does.
  bool remove(const ActorRef<A>& actor) const {
    return detail::remove_routee(state_, actor.joinable());
  }
  // In the order in which they were added, as it was a moment ago.
  std::vector<ActorRef<A>> routees() const {
    std::vector<ActorRef<A>> all;
    for (const detail::IdentityRef& one : detail::routees_of(*state_))
      all.emplace_back(one.identity, one.generation);
    return all;
  }
  // A pool: adds so many children to the supervisor, from copies of args, and to this router. To
  // shrink it, terminate some: they leave by themselves. Supervisors that keep no order among their
  // children (Strategy::simple_one_for_one) are for this. Throws as add_child() does.
  template <std::derived_from<Supervisor> S, class... Args>
  void add_children(const ActorRef<S>& supervisor, std::size_t count, const ChildSpec& spec,
                    const Args&... args) const {
    for (std::size_t i = 0; i < count; ++i)
      add(add_child<A>(supervisor, spec, args...));
  }

  // -- to one of them --------------------------------------------------------------------------
  // Who has the next turn; for the calls of ActorRef that are not here.
  ActorRef<A> next() const { return to_ref(detail::next_routee(*state_)); }
  // Who that key belongs to, by std::hash: the same one for the same key, whoever asks, as long as
  // the group stays the same. When a routee goes, its keys go to the others, and no other key
  // moves; when one comes, it gets its share of the keys from the others.
  template <class Key>
  ActorRef<A> by_key(const Key& key) const {
    return to_ref(detail::routee_of_key(*state_, std::hash<Key>()(key)));
  }

  // As those of ActorRef, to next().
  template <class M>
  void tell(M&& message) const {
    next().tell(std::forward<M>(message));
  }
  template <class M>
  auto ask(M&& message, Deadline deadline = {}) const {
    return next().ask(std::forward<M>(message), deadline);
  }
  template <class M>
  auto try_ask(M&& message, Deadline deadline = {}) const {
    return next().try_ask(std::forward<M>(message), deadline);
  }
  template <class M>
  auto ask_async(M&& message, Deadline deadline = {}) const {
    return next().ask_async(std::forward<M>(message), deadline);
  }

  // -- to all of them --------------------------------------------------------------------------
  // Tells all a copy each, and returns to how many. As with Topic::publish(), who has a bounded
  // inbox may be waited for, or, if it rejects the message, passed over.
  template <class M>
  std::size_t broadcast(const M& message) const {
    detail::HandlersOf<A>::template check<M>();
    std::size_t count = 0;
    for (const detail::IdentityRef& one : detail::routees_of(*state_))
      count += detail::tell_one_of_many<M>(one, detail::HandlersOf<A>::template tell<M>(), message)
                   ? 1
                   : 0;
    return count;
  }
  // Asks all, and returns the first good answer; see grove::ask_first(). On a hub.
  template <class M>
  auto ask_first(const M& message, Deadline deadline = {}) const {
    return grove::ask_first(deadline, routees(), message);
  }

private:
  static ActorRef<A> to_ref(const detail::IdentityRef& one) {
    return {one.identity, one.generation};
  }
  detail::RouterHandle state_;
};

} // namespace grove
