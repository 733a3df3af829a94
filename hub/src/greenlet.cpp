// SPDX-License-Identifier: MIT
// Greenlets: start, end, join, kill, links.
#include <grove/hub/greenlet.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub/join.hpp>

#include "extras.hpp"
#include "hub_impl.hpp"
#include "schedule.hpp"

namespace grove {

namespace detail {

void throw_negative_timeout(std::int64_t nanoseconds, const char* file, int line) {
  throw std::invalid_argument("grove: " + std::string(file) + ":" + std::to_string(line) +
                              ": a timeout of " + std::to_string(nanoseconds) + " ns is negative");
}

// -- end ------------------------------------------------------------------------------------------

namespace {
// All of them at once: nobody has to be unlinked from his neighbours. Waking runs nothing.
inline void grant_ring(WaitNode& joiners) {
  if (joiners.next == nullptr)
    return;
  for (WaitNode* node = joiners.next; node != &joiners;) {
    auto* waiter = static_cast<Waiter*>(node);
    node = node->next;
    waiter->prev = waiter->next = nullptr;
    if (wake(waiter->who))
      waiter->granted = true;
  }
  joiners.prev = joiners.next = nullptr;
}
} // namespace

void end_with_exception(Identity* self) noexcept {
  GreenletState* state = state_of(self);
  try {
    throw;
  } catch (const GreenletExit&) {
    state->end = End::killed;
  } catch (...) {
    state->end = End::error;
    state->error = std::current_exception();
  }
}

void drop_extras(Identity* self) noexcept {
  drop_locals(self); // their destructors may make new ones, which belong here too
  delete std::exchange(self->extras, nullptr);
}

void drop_locals(Identity* self) noexcept {
  if (self->extras != nullptr)
    self->extras->locals.drop_all();
}

void end_dependents(Identity* self) noexcept {
  if (self->extras != nullptr)
    kill_dependents(self);
}

void release_joiners(Identity* self) noexcept {
  if (self->extras == nullptr)
    return;
  grant_ring(self->extras->joiners);
  kill_dependents(self);
  drop_extras(self);
}

namespace {
inline void mark_finished(Identity* self, GreenletState* state) {
  self->flags |= flag::finished;
  state->ended_at = ++this_hub->ends;
  if (state->end == End::error) [[unlikely]]
    report_unhandled(self, state->error);
  if (Identity* joiner = std::exchange(state->joiner, nullptr))
    wake(joiner);
  grant_ring(state->joiners);
}

[[gnu::noinline]] void finish_with_extras(Identity* self) {
  GreenletState* state = state_of(self);
  {
    const Shield shield; // destructors of its locals may wait
    drop_locals(self);
  }
  if ((self->flags & flag::kill_delivered) != 0 && state->end == End::value)
    ++HubImpl::here().counters.declined_kills;
  mark_finished(self, state);
  kill_dependents(self);
  start_links(self);
  drop_reference(self);
}

[[gnu::noinline]] void finish_with_error(Identity* self) {
  mark_finished(self, state_of(self));
  drop_reference(self);
}
} // namespace

// The rare ways out are calls at the end, so that the usual one saves no register.
void finish_greenlet(Identity* self) noexcept {
  GreenletState* state = state_of(self);
  if (self->extras != nullptr) [[unlikely]] { // a delivered kill has made them
    finish_with_extras(self);
    return;
  }
  if (state->end == End::error) [[unlikely]] {
    finish_with_error(self);
    return;
  }
  mark_finished(self, state);
  drop_reference(self);
}

namespace {
[[gnu::noinline]] void drop_last_slowly(Identity* self) noexcept {
  if (self->ops->destroy != nullptr)
    self->ops->destroy(self);
  else if (GreenletState* state = state_of(self); state->error)
    state->~GreenletState();
  if (self->extras != nullptr)
    drop_extras(self);
  HubState& hub = *this_hub;
  if (hub.index == self->home)
    give_identity(hub, self);
  else // its hub has been shut down
    give_identity(hub_at(self->home)->state, self);
}
} // namespace

void drop_last_reference(Identity* self) noexcept {
  HubState& hub = *this_hub;
  if constexpr (debug_checks) {
    if (hub.index != self->home && hub.index != no_hub_index) {
      std::fputs("grove: a greenlet's last handle was dropped on another hub\n", stderr);
      std::abort();
    }
  }
  if (self->ops->destroy == nullptr && !state_of(self)->error && self->extras == nullptr &&
      hub.index == self->home) [[likely]]
    give_identity(hub, self);
  else
    drop_last_slowly(self);
}

void kill_greenlet(Identity* self) noexcept {
  GreenletState* state = state_of(self);
  const bool begun = (self->flags & flag::started) != 0;
  bool holds_reference = begun;
  state->end = End::killed;
  if (self->extras != nullptr) {
    if (std::exception_ptr error = std::exchange(self->extras->kill_error, nullptr)) {
      state->end = End::error;
      state->error = std::move(error);
    }
    if (self->extras->start != nullptr) {
      holds_reference = holds_reference || self->extras->start->armed(); // the timer's
      disarm(*self->extras->start);
    }
  }
  // finish_greenlet() drops one reference. One that stands in the run queue keeps another until it
  // is taken from there; one that never started has none to drop.
  if (begun || !holds_reference)
    add_reference(self);
  finish_greenlet(self);
}

void fail_to_begin(Identity* identity, std::exception_ptr error) noexcept {
  if (identity->ops->accept != nullptr) { // an actor: it ends on the stack that found out
    kill_identity(identity, std::move(error));
    this_hub->current = identity;
    identity->ops->run(identity);
    return;
  }
  extras_of(identity).kill_error = std::move(error);
  kill_greenlet(identity);
  drop_reference(identity); // it has left the run queue
}

// -- start ----------------------------------------------------------------------------------------

void announce_start(Identity* self) {
  add_reference(self);
  const auto started = GreenletRef<>::adopt(self);
  // A hook may add hooks and remove them, itself too.
  const std::vector<SpawnHook*> hooks = HubImpl::here().spawn_hooks;
  for (SpawnHook* hook : hooks) {
    const auto& now = HubImpl::here().spawn_hooks;
    if (std::find(now.begin(), now.end(), hook) != now.end())
      hook->call_(started);
  }
}

IdentityRef parent_of(const Identity* identity) {
  if (identity->id == 0 || identity->ops->accept != nullptr)
    return {};
  const GreenletState* state = state_of(const_cast<Identity*>(identity));
  return {state->parent, state->parent_generation};
}

void end_with_parent(Identity* self) {
  std::vector<IdentityRef>& all = extras_of(this_hub->current).dependents;
  if (all.size() == all.capacity())
    std::erase_if(all, [](const IdentityRef& one) { return !one.alive(); });
  all.push_back({self, self->generation});
}

void kill_dependents(Identity* self) noexcept {
  for (const IdentityRef& one : std::exchange(self->extras->dependents, {})) {
    if (one.alive())
      kill_identity(one.identity, nullptr);
  }
}

void set_options(Identity* self, const SpawnOptions& options) {
  if (!options.name.empty())
    extras_of(self).name = options.name;
  if (options.stack_size != 0) {
    extras_of(self).stack_size = options.stack_size;
    self->flags |= flag::own_stack;
  }
}

bool elsewhere(const SpawnOptions& options) {
  return options.hub != nullptr && options.hub != this_hub->hub;
}

} // namespace detail

using detail::state_of;

bool GreenletRef<void>::start() {
  if (ready() || (self_->flags & detail::flag::started) != 0)
    return false;
  if (self_->extras != nullptr && self_->extras->start != nullptr) { // start_later() was first
    const bool timed = self_->extras->start->armed();                // else that was "never"
    detail::disarm(*self_->extras->start);
    detail::start_unannounced(*detail::this_hub, self_);
    if (timed)
      detail::drop_reference(self_); // the timer's
    return true;
  }
  detail::start_here(*detail::this_hub, self_);
  return true;
}

bool GreenletRef<void>::start_later(Deadline when) {
  detail::Extras& extras = detail::extras_of(self_);
  if (ready() || (self_->flags & detail::flag::started) != 0 || extras.start != nullptr) {
    return false;
  }
  auto timer = std::make_unique<detail::StartTimer>();
  timer->identity = self_;
  timer->fire = [](detail::Timer& t) noexcept {
    detail::Identity* self = static_cast<detail::StartTimer&>(t).identity;
    detail::start_unannounced(*detail::this_hub, self);
    detail::drop_reference(self); // the timer's; starting has taken one of its own
  };
  if (detail::this_hub->spawn_hooks)
    detail::announce_start(self_);
  if (!when.is_never()) {
    detail::arm(*timer, when.nanoseconds());
    detail::add_reference(self_);
  }
  extras.start = std::move(timer);
  return true;
}

bool GreenletRef<void>::started() const {
  return !ready() && (self_->flags & detail::flag::started) != 0;
}
bool GreenletRef<void>::ready() const { return (self_->flags & detail::flag::finished) != 0; }
bool GreenletRef<void>::successful() const { return state_of(self_)->end == detail::End::value; }
bool GreenletRef<void>::killed() const { return state_of(self_)->end == detail::End::killed; }
std::exception_ptr GreenletRef<void>::exception() const { return state_of(self_)->error; }
std::string GreenletRef<void>::name() const { return detail::name_of(self_); }
void GreenletRef<void>::set_name(std::string name) {
  detail::Extras& extras = detail::extras_of(self_);
  extras.is_renamed.store(true, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  extras.name.swap(name);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  extras.is_renamed.store(false, std::memory_order_relaxed);
}
std::uint32_t GreenletRef<void>::id() const { return self_->id; }
GreenletRef<> GreenletRef<void>::parent() const {
  const detail::IdentityRef parent = detail::parent_of(self_);
  if (!parent.alive() || parent.identity->id == 0 || parent.identity->ops->accept != nullptr)
    return {};
  detail::add_reference(parent.identity);
  return GreenletRef<>::adopt(parent.identity);
}

bool GreenletRef<void>::kill(Deadline deadline) const { return kill(nullptr, deadline); }
bool GreenletRef<void>::kill(std::exception_ptr error, Deadline deadline) const {
  kill_nowait(std::move(error));
  return join(deadline);
}
void GreenletRef<void>::kill_nowait(std::exception_ptr error) const {
  detail::kill_identity(self_, std::move(error));
}

// -- subclasses -----------------------------------------------------------------------------------

Greenlet::Greenlet(const SpawnOptions& options)
    : GreenletRef<void>(make_greenlet([this] { run(); })) {
  if (detail::elsewhere(options)) {
    throw std::invalid_argument("grove: a Greenlet runs on the hub of its thread; use "
                                "spawn(SpawnOptions{.hub = ...}, f)");
  }
  detail::set_options(self_, options);
}

Greenlet::~Greenlet() {
  if (ready())
    return;
  if ((self_->flags & detail::flag::started) == 0 || self_->context == nullptr) {
    if (self_ != detail::this_hub->current) {
      kill_nowait(); // it has not begun, and never will
      return;
    }
  }
  std::fprintf(stderr,
               "grove: %s was destroyed while its run() is under way: join() or kill() it first\n",
               name().c_str());
  std::abort();
}

SpawnHook::SpawnHook(Function call) : call_(std::move(call)) {
  detail::HubImpl& hub = detail::HubImpl::here();
  hub.spawn_hooks.push_back(this);
  hub.state.spawn_hooks = true;
}
SpawnHook::~SpawnHook() {
  detail::HubImpl& hub = detail::HubImpl::here();
  std::erase(hub.spawn_hooks, this);
  hub.state.spawn_hooks = !hub.spawn_hooks.empty();
}

std::string current_name() { return detail::name_of(detail::here().current); }

GreenletRef<> current_greenlet() {
  detail::Identity* self = detail::here().current;
  if (self->id == 0 || self->ops->accept != nullptr)
    return {};
  detail::add_reference(self);
  return GreenletRef<>::adopt(self);
}

void sleep(Deadline until) {
  if (until.has_passed()) {
    detail::yield_now();
    return;
  }
  detail::here();
  detail::park_until("sleep", until);
}

} // namespace grove
