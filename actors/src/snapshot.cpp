// SPDX-License-Identifier: MIT
// Snapshots, and the totals of those that have ended.
#include <grove/actors/snapshot.hpp>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <grove/actors/spawn.hpp>
#include <grove/hub/detail/report.hpp>

#include "actor_extras.hpp"
#include "class_totals.hpp"

namespace grove {

namespace detail {

// -- totals ---------------------------------------------------------------------------------------

constinit thread_local TotalsTable totals_of_hub{nullptr, 0};

namespace {

constinit std::atomic<std::uint32_t> class_count{0};
thread_local ClassTotals nowhere; // where there is no memory for rows

struct TableOwner {
  TableOwner() = default;
  TableOwner(const TableOwner&) = delete;
  TableOwner& operator=(const TableOwner&) = delete;
  ~TableOwner() {
    delete[] totals_of_hub.rows;
    totals_of_hub = {nullptr, 0};
  }
  void use() {}
};
thread_local TableOwner table_owner;

std::uint32_t number_of(ActorClass& actor_class) {
  std::uint32_t number = actor_class.number.load(std::memory_order_relaxed);
  if (number != 0)
    return number;
  const std::uint32_t fresh = class_count.fetch_add(1, std::memory_order_relaxed) + 1;
  // Another hub may have been quicker: then a number stays unused.
  return actor_class.number.compare_exchange_strong(number, fresh, std::memory_order_relaxed)
             ? fresh
             : number;
}

} // namespace

ClassTotals& make_totals(ActorClass& actor_class) noexcept {
  const std::uint32_t number = number_of(actor_class);
  TotalsTable& table = totals_of_hub;
  if (number >= table.count) {
    const std::uint32_t count = std::max(number + 1, 2 * table.count);
    auto* rows = new (std::nothrow) ClassTotals[count];
    if (rows == nullptr)
      return nowhere;
    table_owner.use();
    std::copy(table.rows, table.rows + table.count, rows);
    delete[] table.rows;
    table = {rows, count};
  }
  table.rows[number].actor_class = &actor_class;
  return table.rows[number];
}

// -- one actor ------------------------------------------------------------------------------------

namespace {

ActorInfo::State state_of_actor(const Identity* actor) {
  if (actor == this_hub->current)
    return ActorInfo::State::running;
  if ((actor->flags & flag::parked) != 0)
    return ActorInfo::State::waiting;
  return (actor->flags & flag::scheduled) != 0 ? ActorInfo::State::runnable
                                               : ActorInfo::State::idle;
}

std::string activity_of(const Identity* actor) {
  const Context* context = actor == this_hub->current ? this_hub->context : actor->context;
  if (context == nullptr)
    return {};
  std::string text = context->handling != nullptr ? context->handling : "";
  if ((actor->flags & flag::parked) != 0) {
    if (!text.empty())
      text += ' ';
    text += std::string("waits in ") + context->waits_for;
  }
  return text;
}

ActorInfo info_of(Identity* actor) {
  ActorInfo info;
  const Inbox& inbox = inbox_of(actor);
  info.actor = {actor, actor->generation};
  info.name = name_of(actor);
  info.type = class_of_actor(actor).name;
  info.state = state_of_actor(actor);
  info.activity = activity_of(actor);
  info.messages = inbox.handled;
  info.inbox = actor->mail;
  info.high_water = inbox.high_water;
  info.busy = inbox.busy * busy_unit;
  info.hub = actor->home;
  const ActorExtras* extras = extras_of_actor(actor);
  if (extras == nullptr)
    return info;
  if (!extras->registered_name.empty())
    info.name = extras->registered_name;
  if (const IdentityRef& parent = extras->relations.parent; parent.alive())
    info.parent = {parent.identity, parent.generation};
  info.capacity = extras->inbox.capacity;
  info.senders = static_cast<std::uint32_t>(extras->inbox.senders.size());
  info.deferred = static_cast<std::uint32_t>(extras->inbox.stashed);
  if (const Supervision* supervision = extras->supervision.get()) {
    info.restarts = supervision->restarts;
    if (supervision->suspended)
      info.state = ActorInfo::State::restarting;
  }
  return info;
}

// Each behind its parent; chains may be long, so not by recursion.
std::vector<ActorInfo> in_tree_order(std::vector<ActorInfo> all) {
  std::unordered_map<ActorRef<Actor>, std::size_t> places;
  std::vector<std::size_t> left; // the next is the last
  std::size_t next = 0;
  for (const ActorInfo& info : all) {
    places[info.actor] = next;
    if (info.parent == ActorRef<Actor>())
      left.push_back(next);
    ++next;
  }
  const auto number = [&](std::size_t i) { return all[i].actor.joinable().identity->id; };
  std::sort(left.begin(), left.end(),
            [&](std::size_t a, std::size_t b) { return number(a) > number(b); });
  std::vector<ActorInfo> sorted;
  sorted.reserve(all.size());
  while (!left.empty()) {
    const std::size_t i = left.back();
    left.pop_back();
    if (const ActorExtras* extras = extras_of_actor(all[i].actor.joinable().identity)) {
      const auto& children = extras->relations.children;
      for (std::size_t k = children.size(); k-- > 0;) {
        const IdentityRef& child = children[k];
        if (const auto place = places.find({child.identity, child.generation});
            place != places.end())
          left.push_back(place->second);
      }
    }
    sorted.push_back(std::move(all[i]));
  }
  return sorted;
}

} // namespace

} // namespace detail

const char* to_string(ActorInfo::State state) {
  switch (state) {
  case ActorInfo::State::idle:
    return "idle";
  case ActorInfo::State::runnable:
    return "runnable";
  case ActorInfo::State::running:
    return "running";
  case ActorInfo::State::waiting:
    return "waiting";
  case ActorInfo::State::restarting:
    break;
  }
  return "restarting";
}

ActorSnapshot& ActorSnapshot::operator+=(ActorSnapshot&& other) {
  actors.insert(actors.end(), std::make_move_iterator(other.actors.begin()),
                std::make_move_iterator(other.actors.end()));
  const auto before = [](const ActorClassInfo& a, const ActorClassInfo& b) {
    return std::string_view(a.type) < b.type;
  };
  for (const ActorClassInfo& more : other.classes) {
    // By address: two classes may have one name.
    const auto mine = std::find_if(classes.begin(), classes.end(),
                                   [&](const ActorClassInfo& c) { return c.type == more.type; });
    if (mine == classes.end()) {
      classes.insert(std::upper_bound(classes.begin(), classes.end(), more, before), more);
      continue;
    }
    mine->living += more.living;
    mine->ended += more.ended;
    mine->messages += more.messages;
    mine->restarts += more.restarts;
    mine->high_water = std::max(mine->high_water, more.high_water);
    mine->busy += more.busy;
  }
  return *this;
}

ActorSnapshot snapshot() {
  using namespace detail;
  (void)here();
  std::vector<ActorInfo> all;
  std::map<std::pair<std::string_view, const ActorClass*>, ActorClassInfo> classes;
  const auto row = [&](const ActorClass& of) -> ActorClassInfo& {
    ActorClassInfo& info = classes[{of.name, &of}];
    info.type = of.name;
    info.qualified_type = of.qualified_name;
    return info;
  };
  for_each_living([&](Identity* identity) {
    if (identity->ops->accept != accept_mail)
      return;
    all.push_back(info_of(identity));
    ActorClassInfo& info = row(class_of_actor(identity));
    ++info.living;
    info.messages += all.back().messages;
    info.high_water = std::max(info.high_water, all.back().high_water);
    info.busy += all.back().busy;
  });
  for (std::uint32_t i = 0; i < totals_of_hub.count; ++i) {
    const ClassTotals& totals = totals_of_hub.rows[i];
    if (totals.actor_class == nullptr)
      continue;
    ActorClassInfo& info = row(*totals.actor_class);
    info.ended += totals.ended;
    info.messages += totals.messages;
    info.restarts += totals.restarts;
    info.high_water = std::max(info.high_water, totals.high_water);
    info.busy += static_cast<std::int64_t>(totals.busy) * busy_unit;
  }
  ActorSnapshot taken;
  taken.actors = in_tree_order(std::move(all));
  for (const auto& [key, info] : classes)
    taken.classes.push_back(info);
  return taken;
}

} // namespace grove
