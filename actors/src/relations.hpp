// SPDX-License-Identifier: MIT
// What relations.cpp and ends.cpp share: names of actors, and ways to others' hubs.
#pragma once

#include <utility>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/hub/hub.hpp>

#include "actor_extras.hpp"

namespace grove::detail {

inline bool same(const IdentityRef& a, const IdentityRef& b) {
  return a.identity == b.identity && a.generation == b.generation;
}
inline bool is_here(const IdentityRef& ref) { return is_here(*this_hub, ref.identity); }
inline IdentityRef ref_to(Identity* actor) { return {actor, actor->generation}; }
inline ActorRef<Actor> actor_ref(const IdentityRef& ref) { return {ref.identity, ref.generation}; }

inline void forget(std::vector<IdentityRef>& all, const IdentityRef& one) {
  std::erase_if(all, [&](const IdentityRef& other) { return same(one, other); });
}

// f() on the hub of that identity, behind the mail that was sent there before; false if that hub
// has shut down. It may not wait, nor throw.
template <class F>
bool on_home_of(Identity* identity, F f) {
  Mail* mail = make_mail<F>(
      *this_hub,
      [](Identity*, Mail* come) {
        const Envelope<F> envelope(come);
        envelope.body()();
      },
      std::move(f));
  mail->target = nullptr;
  if (identity != &nobody && send_mail(identity->home, mail))
    return true;
  const Envelope<F> dropped(mail);
  return false;
}

// To one who monitors.
void send_down(const Relations::Watcher& to, const Down& down);
// To one who is linked.
void send_exit(const IdentityRef& to, const IdentityRef& from, const ExitReason& reason);
// On the hub of `whom`: that monitor is no more.
void remove_watcher(const IdentityRef& whom, const Relations::Watcher& watcher) noexcept;
// On any hub, to the hub of whom it watches.
void stop_watching(const IdentityRef& me, const Relations::Watched& watched);

} // namespace grove::detail
