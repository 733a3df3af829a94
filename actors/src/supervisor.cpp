// SPDX-License-Identifier: MIT
// Supervisor: who is started again, when, and what it takes to give up.
#include <grove/actors/supervisor.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/random.hpp>

#include "ask_cycle.hpp"
#include "class_totals.hpp"
#include "relations.hpp"

namespace grove {

using detail::Identity;
using detail::IdentityRef;

struct Supervisor::Child {
  ChildSpec spec;
  std::unique_ptr<detail::ChildFactory> factory;
  std::uint64_t number = 0;
  IdentityRef slot;         // stale when it has ended for good
  bool to_restart = false;  // at `due`; its end has been counted
  std::size_t restarts = 0; // all
  unsigned failures = 0;    // in a row
  TimePoint due{};
  TimePoint started{};
};

// -- what the library sends ----------------------------------------------------------------------

class Supervisor::Access {
public:
  struct Ended {
    std::uint64_t number;
    std::uint64_t incarnation;
    ExitReason reason;
  };
  static void handle_ended(Identity* self, detail::Mail* mail) {
    const detail::Envelope<Ended> envelope(mail);
    const Ended& end = envelope.body();
    if (self != nullptr)
      detail::object_of<Supervisor>(self)->ended(end.number, end.incarnation, end.reason);
  }
  struct Due {};
  static void handle_due(Identity* self, detail::Mail* mail) {
    const detail::Envelope<Due> envelope(mail);
    if (self != nullptr)
      detail::object_of<Supervisor>(self)->start_due();
  }
};

namespace detail {
void tell_supervisor(const Supervision& supervision, const ExitReason& reason) {
  using Access = Supervisor::Access;
  send_signal(
      supervision.supervisor,
      make_mail<Access::Ended>(*this_hub, Access::handle_ended,
                               Access::Ended{supervision.number, supervision.incarnation, reason}));
}
} // namespace detail

namespace {
// The answer to who asked for a start: what it threw is theirs, and no failure of the supervisor.
template <class F>
Supervisor::Started attempt(F start) {
  try {
    return {start(), nullptr};
  } catch (const GreenletExit&) {
    throw;
  } catch (const TimeoutExpired&) {
    throw;
  } catch (...) {
    return {{}, std::current_exception()};
  }
}
} // namespace

// -- start ---------------------------------------------------------------------------------------

Supervisor::Supervisor(const SupervisorOptions& options) : options_(options) {
  const auto refuse = [](const std::string& what) {
    throw std::invalid_argument("grove: Supervisor: " + what);
  };
  if (options.period.count() <= 0)
    refuse("a period of " + std::to_string(options.period.count()) + " ns");
  if (options.backoff.first.count() < 0 || options.backoff.longest < options.backoff.first)
    refuse("a backoff from " + std::to_string(options.backoff.first.count()) + " ns to " +
           std::to_string(options.backoff.longest.count()) + " ns");
  if (!(options.backoff.jitter >= 0 && options.backoff.jitter <= 1))
    refuse("a jitter of " + std::to_string(options.backoff.jitter) + ", not from 0 to 1");
}

Supervisor::~Supervisor() {
  if (alarm_)
    alarm_.kill();
}

IdentityRef Supervisor::start(ChildSpec spec, std::unique_ptr<detail::ChildFactory> factory) {
  const auto refuse = [&](const std::string& what) {
    throw std::invalid_argument("grove: Supervisor.add: '" + spec.id + "' " + what);
  };
  const std::uint64_t number = ++numbers_;
  if (spec.id.empty())
    spec.id = "child-" + std::to_string(number);
  if (find(spec.id) != nullptr)
    refuse("is there already");
  if (spec.shutdown && spec.shutdown->count() < 0)
    refuse("has a negative shutdown time");
  if (spec.significant && spec.restart == Restart::permanent)
    refuse("is permanent: it never ends by itself, and cannot be significant");
  auto child = std::make_unique<Child>();
  child->spec = std::move(spec);
  child->factory = std::move(factory);
  child->number = number;
  children_.push_back(nullptr); // all that can fail once it runs
  try {
    launch(*child);
  } catch (...) {
    children_.pop_back();
    throw;
  }
  children_.back() = std::move(child);
  return children_.back()->slot;
}

// A new actor in a slot of its own.
void Supervisor::launch(Child& child) {
  detail::HubState& hub = *detail::this_hub;
  Identity* const me = detail::slot_of_actor(this);
  if (options_.strategy == Strategy::simple_one_for_one)
    detail::need_extras(me).ends_children_at_once = true;
  Identity* const slot = child.factory->make(hub);
  const IdentityRef ref{slot, slot->generation};
  const auto give_back = [&] {
    slot->ops->destroy(slot);
    detail::abandon_actor(hub, slot);
  };
  detail::Supervision* supervision = nullptr;
  try {
    auto made = std::make_unique<detail::Supervision>();
    supervision = made.get();
    supervision->supervisor = {me, me->generation};
    supervision->number = child.number;
    supervision->incarnation = ++hub.questions; // never used twice on this hub
    supervision->shutdown_time = child.spec.shutdown.value_or(std::chrono::seconds(5));
    supervision->keeps_inbox = child.spec.keep_inbox;
    detail::need_extras(slot).supervision = std::move(made);
    detail::set_inbox(slot, child.spec.inbox);
    detail::adopt_child(me, slot);
  } catch (...) { // no memory for it
    give_back();
    throw;
  }
  child.slot = ref;
  child.to_restart = false;
  child.started = now();
  try {
    run_start(child, ref);
  } catch (...) {
    if (supervision->suspended)
      detail::end_for_good(slot, {ExitReason::Kind::failed, std::current_exception()});
    else { // we are interrupted: there is to be no such child
      supervision->for_good = true;
      detail::end_actor(ref, Stop::after_current, {ExitReason::Kind::shutdown, nullptr});
    }
    throw;
  }
}

// Runs its on_start. What that throws is thrown here, and what runs of it has ended then.
void Supervisor::run_start(Child& child, const IdentityRef& slot) {
  detail::Supervision& supervision = *detail::supervision_of(slot.identity);
  const AsyncResult<ExitReason> end;
  supervision.told = end;
  const auto forget = [&] { supervision.told.reset(); };
  try {
    child.factory->start(*detail::this_hub, slot.identity);
  } catch (...) {
    forget();
    throw;
  }
  forget();
  if (end.ready()) // it was short-lived
    detail::tell_supervisor(supervision, end.get());
}

// -- ends ----------------------------------------------------------------------------------------

void Supervisor::ended(std::uint64_t number, std::uint64_t incarnation, const ExitReason& reason) {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [&](const auto& child) { return child->number == number; });
  const detail::Supervision* supervision = found == children_.end() || !(*found)->slot.alive()
                                               ? nullptr
                                               : detail::supervision_of((*found)->slot.identity);
  if (supervision == nullptr || supervision->incarnation != incarnation ||
      !supervision->suspended) { // it was ended for good, or started again with others
    start_due();                 // some may have waited for it
    return;
  }
  Child& child = **found;
  const bool normal =
      reason.kind == ExitReason::Kind::stopped || reason.kind == ExitReason::Kind::shutdown;
  if (child.spec.restart == Restart::temporary ||
      (child.spec.restart == Restart::transient && normal)) {
    detail::end_for_good(child.slot.identity, reason);
    settle_end(child);
    return;
  }
  count_restart(child, reason);
  restart_from(child);
}

// Of its own accord.
void Supervisor::settle_end(Child& child) {
  const bool significant = child.spec.significant;
  if (child.spec.restart == Restart::temporary || options_.strategy == Strategy::simple_one_for_one)
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(place_of(child)));
  if (!significant || options_.auto_shutdown == AutoShutdown::never)
    return;
  const bool another = std::any_of(children_.begin(), children_.end(), [](const auto& other) {
    return other->spec.significant && other->slot.alive();
  });
  if (options_.auto_shutdown == AutoShutdown::any_significant || !another) {
    Identity* const me = detail::slot_of_actor(this);
    detail::end_actor({me, me->generation}, Stop::after_current,
                      {ExitReason::Kind::shutdown, nullptr});
  }
}

void Supervisor::count_restart(const Child& child, const ExitReason& reason) {
  const TimePoint time = now();
  while (!restarts_.empty() && time - restarts_.front() >= options_.period)
    restarts_.pop_front();
  restarts_.push_back(time);
  if (restarts_.size() > options_.intensity) {
    throw TooManyRestarts(
        "grove: Supervisor: more than " + std::to_string(options_.intensity) + " restarts within " +
        std::to_string(
            std::chrono::duration_cast<std::chrono::milliseconds>(options_.period).count()) +
        " ms; the last was of '" + child.spec.id + "': " + reason.what());
  }
}

// -- restarts ------------------------------------------------------------------------------------

// Of a child that is suspended, and of those that its failure concerns.
void Supervisor::restart_from(Child& child) {
  child.to_restart = true;
  const Backoff& backoff = options_.backoff;
  const TimePoint time = now();
  if (time - child.started >= backoff.first / 2 + backoff.longest / 2)
    child.failures = 0;
  const unsigned doublings = std::min(child.failures, 62U);
  ++child.failures;
  const std::int64_t pause = backoff.first.count() > (backoff.longest.count() >> doublings)
                                 ? backoff.longest.count()
                                 : backoff.first.count() << doublings;
  const double part = static_cast<double>(random_number() >> 11) * 0x1p-53; // of [0, 1)
  // A century is long enough, and leaves room for sums.
  const double wait = static_cast<double>(pause) * (1 + backoff.jitter * part);
  child.due = time + std::chrono::nanoseconds(std::llround(std::min(wait, 3e18)));
  if (options_.strategy == Strategy::one_for_all || options_.strategy == Strategy::rest_for_one) {
    const std::size_t from = options_.strategy == Strategy::one_for_all ? 0 : place_of(child);
    for (std::size_t i = children_.size(); i-- > from;) {
      Child& other = *children_[i];
      if (other.slot.alive() && !other.to_restart && !shut_down(other))
        continue;
      if (other.to_restart)
        other.due = std::max(other.due, child.due);
    }
  }
  start_due();
}

// Ends what runs of a child, which keeps its slot; false: it was temporary, and is forgotten.
bool Supervisor::shut_down(Child& child) {
  const IdentityRef slot = child.slot;
  detail::Supervision& supervision = *detail::supervision_of(slot.identity);
  if (!supervision.suspended) { // else it ended by itself and its report is under way
    const AsyncResult<ExitReason> end;
    supervision.told = end;
    const auto patience = supervision.shutdown_time;
    detail::break_cycle(*detail::this_hub, slot.identity, detail::slot_of_actor(this));
    const detail::WaitsFor waits(*detail::this_hub, slot.identity);
    if (patience.count() > 0)
      detail::end_actor(slot, Stop::after_current, {ExitReason::Kind::shutdown, nullptr});
    if (patience.count() == 0 ||
        !end.wait(patience == patience.max() ? Deadline() : Deadline(patience))) {
      detail::kill_overdue(slot);
      end.wait();
    }
  }
  child.to_restart = true;
  if (child.spec.restart == Restart::temporary) {
    detail::end_for_good(slot.identity, {ExitReason::Kind::shutdown, nullptr});
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(place_of(child)));
    return false;
  }
  return true;
}

// Starts all whose pause is over, in their order. One that fails is tried again through the inbox,
// so that others are served in between.
void Supervisor::start_due() {
  const bool in_order =
      options_.strategy == Strategy::one_for_all || options_.strategy == Strategy::rest_for_one;
  std::optional<TimePoint> earliest;
  for (const auto& entry : children_) {
    Child& child = *entry;
    if (!child.to_restart || !child.slot.alive())
      continue;
    if (child.due > now()) {
      earliest = earliest ? std::min(*earliest, child.due) : child.due;
      if (in_order)
        break; // those behind it wait for it
      continue;
    }
    Identity* const slot = child.slot.identity;
    detail::Supervision& supervision = *detail::supervision_of(slot);
    supervision.incarnation = ++detail::this_hub->questions;
    const auto again = [&]() -> ActorRef<Actor> {
      try {
        child.factory->construct_again(slot);
      } catch (...) {
        detail::drop_half_made(slot);
        throw;
      }
      slot->flags |= detail::flag::scheduled;
      supervision.suspended = child.to_restart = false;
      ++child.restarts;
      ++supervision.restarts;
      ++detail::totals_of(detail::class_of_actor(slot)).restarts;
      child.started = now();
      run_start(child, child.slot);
      return {};
    };
    if (const Started started = attempt(again); started.error != nullptr) {
      child.to_restart = true;
      detail::tell_supervisor(supervision, {ExitReason::Kind::failed, started.error});
      if (in_order)
        break;
    }
  }
  if (earliest)
    start_later(*earliest);
}

void Supervisor::start_later(TimePoint when) {
  if (alarm_)
    alarm_.kill();
  Identity* const slot = detail::slot_of_actor(this);
  alarm_ = spawn_later(when, [me = IdentityRef{slot, slot->generation}] {
    detail::send_signal(me, detail::make_mail<Access::Due>(*detail::this_hub, Access::handle_due));
  });
}

// -- messages ------------------------------------------------------------------------------------

std::size_t Supervisor::place_of(const Child& child) const {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [&](const auto& other) { return other.get() == &child; });
  return static_cast<std::size_t>(found - children_.begin());
}

Supervisor::Child* Supervisor::find(const std::string& id) {
  for (const auto& child : children_) {
    if (child->spec.id == id)
      return child.get();
  }
  return nullptr;
}

std::vector<ChildInfo> Supervisor::receive(const Children&) {
  std::vector<ChildInfo> all;
  for (const auto& child : children_) {
    ChildInfo info;
    info.id = child->spec.id;
    info.actor = {child->slot.identity, child->slot.generation};
    info.state = !child->slot.alive() ? ChildInfo::State::ended
                 : detail::supervision_of(child->slot.identity)->suspended
                     ? ChildInfo::State::restarting
                     : ChildInfo::State::running;
    info.restarts = child->restarts;
    info.type = child->factory->type();
    all.push_back(std::move(info));
  }
  return all;
}

bool Supervisor::receive(const Terminate& message) {
  Child* const child = find(message.id);
  if (child == nullptr)
    return false;
  if (!child->slot.alive())
    return true;
  const IdentityRef slot = child->slot;
  if (shut_down(*child)) {
    detail::end_for_good(slot.identity, {ExitReason::Kind::shutdown, nullptr});
    child->to_restart = false;
  }
  start_due(); // some may have waited for it
  return true;
}

Supervisor::Started Supervisor::receive(const Add& message) {
  return attempt([&] { return message.add(*this); });
}

Supervisor::Started Supervisor::receive(const Revive& message) {
  return attempt([&] {
    Child* const child = find(message.id);
    if (child == nullptr)
      throw std::invalid_argument("grove: Supervisor.Revive: there is no child '" + message.id +
                                  "'");
    if (child->slot.alive())
      throw std::logic_error("grove: Supervisor.Revive: '" + message.id + "' has not ended");
    launch(*child);
    place_in_order(*child);
    return ActorRef<Actor>(child->slot.identity, child->slot.generation);
  });
}

// Among those that end in reverse order: before the next one that lives.
void Supervisor::place_in_order(const Child& child) {
  auto& all = detail::extras_of_actor(detail::slot_of_actor(this))->relations.children;
  detail::forget(all, child.slot);
  auto place = all.end();
  for (std::size_t i = place_of(child) + 1; i < children_.size() && place == all.end(); ++i)
    place = std::find_if(all.begin(), all.end(), [&](const IdentityRef& other) {
      return detail::same(other, children_[i]->slot);
    });
  all.insert(place, child.slot);
}

bool Supervisor::receive(const Forget& message) {
  const Child* const child = find(message.id);
  if (child == nullptr || child->slot.alive())
    return false;
  children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(place_of(*child)));
  return true;
}

} // namespace grove
