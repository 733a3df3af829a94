// SPDX-License-Identifier: MIT
// Groups and pools: who is in, who waits for a slot, and how they end.
#include <grove/hub/group.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/pool.hpp>
#include <grove/hub/timeout.hpp>

namespace grove {

namespace detail {

void kill_member(Identity* self) noexcept {
  if (Member* member = born_member(self))
    member->leave(); // before the end: that may be the last of it
  kill_greenlet(self);
}

void Member::leave_group() noexcept {
  const GreenletState* state = state_of(who_);
  if (state->end == End::error)
    group_->fail(state->error);
  group_->left(*this);
}

} // namespace detail

// -- slots ----------------------------------------------------------------------------------------

// While a slot is free nobody waits for one.
bool Group::wait_for_slot(const char* what, Deadline deadline) {
  home_(what);
  if (bounded())
    detail::check_interrupts();
  if (take_free_slot())
    return true;
  detail::Waiter waiter;
  spawners_.push_back(waiter);
  if (detail::park_until(what, deadline) == detail::Wake::timeout)
    return false;
  if (waiter.broken)
    throw Closed(std::string(what) + ": the pool was destroyed");
  return true; // and the slot is ours
}

void Group::release_slot() noexcept {
  if (spawners_.grant_one())
    return;
  --used_;
  watchers_.grant_all();
  if (empty())
    wake_joiners();
}

// -- coming and going -----------------------------------------------------------------------------

void Group::enter(detail::Member& member, detail::Identity* who, bool with_slot) {
  member.group_ = this;
  member.who_ = who;
  member.has_slot_ = with_slot;
  if (!with_slot)
    ++attendants_;
  if (members_.next == nullptr)
    members_.prev = members_.next = &members_;
  member.next = &members_;
  member.prev = members_.prev;
  members_.prev->next = &member;
  members_.prev = &member;
}

// A worker of a map between two items: whoever waits for a slot comes first.
void Group::make_way() {
  detail::Member* worker = detail::born_member(detail::this_hub->current);
  if (spawners_.empty() || worker == nullptr || worker->group_ != this || !worker->has_slot_)
    return;
  worker->has_slot_ = false;
  ++attendants_;
  release_slot();
  promote(*worker);
}

void Group::promote(detail::Member& member) {
  wait_for_slot("Group: for a slot", {});
  if (member.group_ != this) { // it was discarded while it waited
    release_slot();
    return;
  }
  member.has_slot_ = true;
  --attendants_;
}

void Group::left(detail::Member& member) noexcept {
  member.group_ = nullptr;
  member.unlink();
  if (member.has_slot_) {
    release_slot();
    return;
  }
  --attendants_;
  if (empty())
    wake_joiners();
}

void Group::wake_joiners() noexcept {
  joiners_.grant_all();
  finishers_.grant_all();
}

void Group::fail(std::exception_ptr error) noexcept {
  if (first_error_ != nullptr)
    return;
  first_error_ = std::move(error);
  finishers_.grant_all();
}

bool Group::has(detail::Identity* identity) const {
  if (const detail::Member* member = detail::born_member(identity)) {
    if (member->group() == this)
      return true;
  }
  return !added_.empty() && added_.contains(identity);
}

bool Group::has_slot(detail::Identity* identity) const {
  const detail::Member* member = detail::born_member(identity);
  return member != nullptr && member->group_ == this ? member->has_slot_ : has(identity);
}

bool Group::contains(const GreenletRef<>& greenlet) const {
  return greenlet && !greenlet.ready() && has(greenlet.identity());
}

bool Group::add(const GreenletRef<>& greenlet, Deadline deadline) {
  if (!greenlet)
    throw std::logic_error("grove: Group.add: an empty GreenletRef");
  detail::check_home(greenlet.identity()->home, "Group.add");
  detail::check_interrupts();
  if (greenlet.ready() || contains(greenlet))
    return true;
  if (!wait_for_slot("Group.add", deadline))
    return false;
  Slot slot(*this);
  if (greenlet.ready() || contains(greenlet)) // meanwhile
    return true;
  detail::Identity* who = greenlet.identity();
  Added& one = added_.try_emplace(who).first->second;
  try {
    one.greenlet = greenlet;
    one.link = greenlet.link([this, who](const GreenletRef<>&) { added_.erase(who); });
  } catch (...) {
    added_.erase(who);
    throw;
  }
  enter(one.member, who, true);
  slot.keep();
  if (killing_ != 0)
    greenlet.kill_nowait();
  return true;
}

bool Group::discard(const GreenletRef<>& greenlet) {
  home_("Group.discard");
  if (!greenlet)
    return false;
  detail::Identity* who = greenlet.identity();
  if (const auto at = added_.find(who); at != added_.end()) {
    greenlet.unlink(at->second.link);
    left(at->second.member);
    added_.erase(at);
    return true;
  }
  detail::Member* member = detail::born_member(who);
  if (member == nullptr || member->group_ != this)
    return false;
  left(*member);
  return true;
}

// -- waiting --------------------------------------------------------------------------------------

bool Group::wait_until_empty(const char* what, Deadline deadline) {
  home_(what);
  detail::check_interrupts();
  if (empty())
    return true;
  detail::Identity* me = detail::this_hub->current;
  if (has(me)) {
    throw std::logic_error("grove: " + std::string(what) + ": " + detail::name_of(me) +
                           " waits for a group that it is a member of");
  }
  detail::Waiter waiter;
  joiners_.push_back(waiter);
  return detail::park_until(what, deadline) == detail::Wake::ready;
}

bool Group::join(Deadline deadline) { return wait_until_empty("Group.join", deadline); }

bool Group::join_or_throw(Deadline deadline) {
  if (!wait_until_empty("Group.join_or_throw", deadline))
    return false;
  throw_first_error();
  return true;
}

void Group::throw_first_error() {
  if (first_error_ != nullptr)
    std::rethrow_exception(std::exchange(first_error_, nullptr));
}

bool Group::finish(Deadline deadline) {
  home_("Group.finish");
  detail::check_interrupts();
  if (has(detail::this_hub->current))
    wait_until_empty("Group.finish", {}); // throws
  while (!empty() && first_error_ == nullptr) {
    detail::Waiter waiter;
    finishers_.push_back(waiter);
    if (detail::park_until("Group.finish", deadline) == detail::Wake::timeout)
      return false;
  }
  if (!empty()) {
    const Shield shield; // the error goes out, and nobody stays behind
    kill();
  }
  throw_first_error();
  return true;
}

void Group::throw_not_in_time(const char* what) {
  throw TimeoutError(std::string(what) + ": no result in time");
}

// -- ending ---------------------------------------------------------------------------------------

// A kill may take its target out of the ring, but nobody else.
void Group::kill_others() noexcept {
  if (members_.next == nullptr)
    return;
  for (detail::WaitNode* node = members_.next; node != &members_;) {
    auto* member = static_cast<detail::Member*>(node);
    node = node->next;
    if (member->who_ != detail::this_hub->current)
      detail::kill_identity(member->who_, nullptr);
  }
}

void Group::kill_nowait() {
  home_("Group.kill");
  const bool member = has(detail::here().current);
  kill_others();
  if (member)
    detail::kill_identity(detail::this_hub->current, nullptr);
}

bool Group::kill(Deadline deadline) {
  struct Killing {
    std::size_t& count;
    explicit Killing(std::size_t& c) : count(c) { ++count; }
    ~Killing() { --count; }
  };
  const Killing killing(killing_);
  kill_nowait();
  return wait_until_empty("Group.kill", deadline);
}

Group::~Group() {
  if (empty() && spawners_.empty() && watchers_.empty()) [[likely]]
    return;
  if (has(detail::this_hub->current)) {
    std::fprintf(stderr, "grove: %s destroys the group that it is a member of\n",
                 detail::name_of(detail::this_hub->current).c_str());
    std::abort();
  }
  const Shield shield;
  ++killing_;
  kill_others();
  spawners_.break_all();
  watchers_.break_all();
  while (!added_.empty()) { // without their links: a hub that shuts down runs no new greenlet
    const GreenletRef<> one = added_.begin()->second.greenlet;
    one.join();
    discard(one);
  }
  while (!empty()) {
    detail::Waiter waiter;
    joiners_.push_back(waiter);
    detail::park("~Group");
  }
}

// -- pool -----------------------------------------------------------------------------------------

namespace {
std::size_t checked_bound(std::ptrdiff_t bound) {
  if (bound < 0)
    throw std::invalid_argument("grove: Pool: a bound of " + std::to_string(bound) +
                                " is negative");
  return static_cast<std::size_t>(bound);
}
} // namespace

Pool::Pool(std::ptrdiff_t bound) : Group(checked_bound(bound)) {}

bool Pool::wait_available(Deadline deadline) {
  home_("Pool.wait_available");
  detail::check_interrupts();
  if (!full())
    return true;
  detail::Waiter waiter;
  watchers_.push_back(waiter);
  if (detail::park_until("Pool.wait_available", deadline) == detail::Wake::timeout)
    return false;
  if (waiter.broken)
    throw Closed("Pool.wait_available: the pool was destroyed");
  return true;
}

} // namespace grove
