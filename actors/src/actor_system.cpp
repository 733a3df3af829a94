// SPDX-License-Identifier: MIT
// Systems: their hubs, where actors go, and the phases of the end.
#include <grove/actors/actor_system.hpp>

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/log.hpp>
#include <grove/hub/timeout.hpp>

#include "relations.hpp"

namespace grove {

using detail::Identity;
using detail::IdentityRef;

Place Place::in_phase(int phase) const {
  if (phase < 0)
    throw std::invalid_argument("grove: Place: phase " + std::to_string(phase) + " is negative");
  Place place = *this;
  place.phase_ = phase;
  return place;
}

// -- processors ----------------------------------------------------------------------------------

namespace {

// Those that the calling thread may use.
std::vector<int> processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> all;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &set))
        all.push_back(i);
    }
  }
  if (all.empty()) // more than the set has room for
    all.push_back(0);
  return all;
}

void use_only(const std::vector<int>& these) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int processor : these)
    CPU_SET(processor, &set);
  const int error = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  if (error != 0)
    throw std::system_error(error, std::system_category(),
                            "grove: ActorSystem: pinning to processor " +
                                std::to_string(these.front()));
}

} // namespace

// -- the system ----------------------------------------------------------------------------------

struct ActorSystem::Running {
  std::chrono::nanoseconds grace;
  std::vector<Hub*> hubs;
  std::vector<std::unique_ptr<HubThread>> threads; // of hubs[1] and on
  std::vector<int> unpinned;                       // what this thread might use before; or empty
  std::atomic<std::size_t> next{0};
  std::atomic<bool> closed{false};

  std::mutex mutex;
  std::map<int, std::vector<IdentityRef>, std::greater<>> phases; // those above 0
};

ActorSystem::ActorSystem(const SystemOptions& options) : running_(std::make_unique<Running>()) {
  Hub& mine = Hub::current();
  if (options.grace.count() < 0)
    throw std::invalid_argument("grove: ActorSystem: a grace period of " +
                                std::to_string(options.grace.count()) + " ns is negative");
  const std::vector<int> usable = processors();
  const std::size_t count = options.hubs != 0 ? options.hubs : usable.size();
  if (count > detail::max_hubs)
    throw std::invalid_argument("grove: ActorSystem: " + std::to_string(count) +
                                " hubs; a process has 255 at most");
  running_->grace = options.grace;
  running_->hubs.push_back(&mine);
  for (std::size_t i = 1; i < count; ++i) {
    running_->threads.push_back(std::make_unique<HubThread>("grove-" + std::to_string(i)));
    running_->hubs.push_back(&running_->threads.back()->hub());
  }
  if (!options.pin)
    return;
  running_->unpinned = usable;
  for (std::size_t i = 0; i < count; ++i) {
    const int processor = usable[i % usable.size()];
    call(i, [processor] { use_only({processor}); });
  }
}

ActorSystem::~ActorSystem() {
  if (running_->hubs.front() != detail::this_hub->hub)
    return; // its threads end with it: there is no more that can be done from here
  const Shield shield;
  for (const ShutdownReport::Survivor& one : shutdown().survivors) {
    detail::log(LogLevel::warning,
                "ActorSystem: " + one.name + " on hub " + std::to_string(one.hub) +
                    " had not ended in time" +
                    (one.activity.empty() ? std::string() : ": " + one.activity) +
                    (one.declined ? "; nor after it was killed" : "; it was killed"));
  }
}

std::size_t ActorSystem::hubs() const { return running_->hubs.size(); }

Hub& ActorSystem::hub(std::size_t index) const {
  if (index >= running_->hubs.size())
    throw std::out_of_range("grove: ActorSystem: there is no hub " + std::to_string(index) +
                            " of " + std::to_string(running_->hubs.size()));
  return *running_->hubs[index];
}

std::size_t ActorSystem::choose(const Place& place) const {
  if (running_->closed)
    throw Closed("ActorSystem.spawn: the system is shutting down");
  const auto& all = running_->hubs;
  const auto find = [&](const Hub* hub, const char* what) {
    const auto at = std::find(all.begin(), all.end(), hub);
    if (at == all.end())
      throw std::logic_error(std::string("grove: ActorSystem.spawn: ") + what +
                             " is on no hub of this system");
    return static_cast<std::size_t>(at - all.begin());
  };
  switch (place.kind_) {
  case Place::Kind::here:
    return find(detail::this_hub->hub, "the caller");
  case Place::Kind::on:
    (void)hub(place.value_);
    return place.value_;
  case Place::Kind::beside: {
    Identity* const slot = place.other_.joinable().identity;
    return find(slot == &detail::nobody ? nullptr : detail::hub_of(slot), "that actor");
  }
  case Place::Kind::keyed:
    return place.value_ % all.size();
  case Place::Kind::anywhere:
    break;
  }
  return running_->next.fetch_add(1, std::memory_order_relaxed) % all.size();
}

// On the actor's hub.
void ActorSystem::enroll(int phase, const ActorRef<Actor>& actor) {
  if (phase == 0)
    return;
  const std::lock_guard lock(running_->mutex);
  running_->phases[phase].push_back(actor.joinable());
}

ShutdownReport& ShutdownReport::operator+=(ShutdownReport&& other) {
  told += other.told;
  for (Survivor& more : other.survivors) { // one that declines is met again in phase 0
    if (std::none_of(survivors.begin(), survivors.end(),
                     [&](const Survivor& known) { return known.actor == more.actor; }))
      survivors.push_back(std::move(more));
  }
  return *this;
}

ActorSnapshot ActorSystem::snapshot() {
  ActorSnapshot all;
  for (std::size_t i = 0; i < hubs(); ++i)
    all += call(i, [] { return grove::snapshot(); });
  return all;
}

// -- the end -------------------------------------------------------------------------------------

namespace {

// Actors of this hub that are nobody's children.
std::vector<IdentityRef> roots() {
  std::vector<IdentityRef> all;
  detail::for_each_living([&](Identity* identity) {
    if (identity->ops->accept != detail::accept_mail)
      return;
    const detail::ActorExtras* extras = detail::extras_of_actor(identity);
    if (extras == nullptr || !extras->relations.parent.alive())
      all.push_back(detail::ref_to(identity));
  });
  return all;
}

// The end of these, on their hub, until the deadline; then by force, until a grace later.
ShutdownReport end_all(const std::vector<IdentityRef>& these, int phase, Deadline patience,
                       std::chrono::nanoseconds grace) {
  ShutdownReport report;
  for (const IdentityRef& one : these) {
    if (!one.alive())
      continue;
    ++report.told;
    detail::begin_end(one, Stop::drained);
  }
  std::vector<IdentityRef> late;
  for (const IdentityRef& one : these) {
    if (one.alive() && !detail::join_identity(one, patience))
      late.push_back(one);
  }
  if (late.empty())
    return report;
  const ActorSnapshot now = snapshot();
  for (const IdentityRef& one : late) {
    const auto found =
        std::find_if(now.actors.begin(), now.actors.end(), [&](const ActorInfo& info) {
          return detail::same(info.actor.joinable(), one);
        });
    detail::kill_overdue(one);
    if (found != now.actors.end())
      report.survivors.push_back({found->actor, found->name, found->type, found->hub, phase,
                                  found->activity, found->inbox, false});
  }
  const Deadline end(grace);
  for (ShutdownReport::Survivor& survivor : report.survivors)
    survivor.declined = !detail::join_identity(survivor.actor.joinable(), end);
  return report;
}

// All that is left on this hub, and what that spawns while it ends.
ShutdownReport end_rest(Deadline patience, std::chrono::nanoseconds grace) {
  ShutdownReport all;
  for (std::vector<IdentityRef> left = roots(); !left.empty(); left = roots()) {
    all += end_all(left, 0, patience, grace);
    if (patience.has_passed())
      break; // who declines to end is not asked again
  }
  return all;
}

} // namespace

ShutdownReport ActorSystem::shutdown() {
  Running& system = *running_;
  if (system.hubs.front() != detail::this_hub->hub)
    throw std::logic_error("grove: ActorSystem.shutdown: not on the thread that made the system");
  if (detail::this_hub->current->ops->accept == detail::accept_mail)
    throw std::logic_error(
        "grove: ActorSystem.shutdown: " + detail::name_of(detail::this_hub->current) +
        " would wait for its own end: call it from a greenlet");
  ShutdownReport report;
  std::map<int, std::vector<IdentityRef>, std::greater<>> phases;
  if (system.closed.exchange(true))
    return report;
  {
    const std::lock_guard lock(system.mutex);
    phases = std::exchange(system.phases, {});
  }
  const Shield shield;
  const auto everywhere = [&](auto end_on_hub) {
    std::vector<GreenletRef<ShutdownReport>> runs;
    for (std::size_t i = 0; i < hubs(); ++i)
      runs.push_back(grove::spawn([&, i] { return call(i, [&, i] { return end_on_hub(i); }); }));
    for (auto& run : runs)
      report += std::move(run).get();
  };
  for (const auto& [phase, actors] : phases) {
    const Deadline patience(system.grace);
    everywhere([&, phase = phase, &actors = actors](std::size_t i) {
      std::vector<IdentityRef> here;
      std::copy_if(
          actors.begin(), actors.end(), std::back_inserter(here),
          [&](const IdentityRef& one) { return detail::hub_of(one.identity) == system.hubs[i]; });
      return end_all(here, phase, patience, system.grace);
    });
  }
  const Deadline patience(system.grace);
  everywhere([&](std::size_t) { return end_rest(patience, system.grace); });
  system.threads.clear();
  if (!system.unpinned.empty())
    use_only(std::exchange(system.unpinned, {}));
  return report;
}

} // namespace grove
