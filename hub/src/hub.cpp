// SPDX-License-Identifier: MIT
// Hubs: their registry, their beginning and end, and what they tell of themselves.
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cxxabi.h>
#include <mutex>
#include <stdexcept>
#include <system_error>

#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/hub_life.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>

#include "debug_table.hpp"
#include "descriptors.hpp"
#include "extras.hpp"
#include "fork.hpp"
#include "hub_impl.hpp"
#include "overflow.hpp"
#include "signals.hpp"
#include "switch.hpp"
#include "watchdog.hpp"

namespace grove {

namespace detail {

constinit HubState no_hub;
constinit thread_local HubState* this_hub = &no_hub;

namespace {

struct Registry {
  std::mutex mutex;
  std::array<std::atomic<HubImpl*>, max_hubs> hubs{};
  std::array<bool, max_hubs> open{};
  std::atomic<std::size_t> living{0};
};
Registry& registry() {
  static auto* const the = [] {
    watch_for_forks();
    return new Registry; // senders may come after the statics have gone
  }();
  return *the;
}

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

// Main and the stack of the thread itself have no function to run.
constexpr Ops main_ops{nullptr, nullptr, nullptr, nullptr, "main", 0};

} // namespace

HubImpl* hub_at(std::uint16_t index) {
  return registry().hubs[index].load(std::memory_order_acquire);
}
std::size_t living_hubs() { return registry().living.load(std::memory_order_acquire); }

void lock_registry() noexcept { registry().mutex.lock(); }
void unlock_registry() noexcept { registry().mutex.unlock(); }
void orphan_hubs(const HubImpl* kept) noexcept {
  Registry& all = registry();
  for (std::size_t i = 0; i < max_hubs; ++i) {
    HubImpl* hub = all.hubs[i].load(std::memory_order_relaxed);
    if (hub == nullptr || hub == kept)
      continue;
    hub->inbox.store(closed_mark());
    all.open[i] = true; // nobody may have its place
  }
  all.living = kept == nullptr ? 0 : 1;
}

HubImpl::HubImpl() : descriptors(std::make_unique<DescriptorTable>()) {
  owed.reserve(max_hubs);
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0)
    throw_errno("grove: eventfd for a hub");
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer_fd < 0)
    throw_errno("grove: timerfd for a hub");
  watch_wake_fd();
  watch_timer_fd();
}

void HubImpl::watch_wake_fd() {
  wake_watch.emplace(wake_fd, readable, [](Watch& watch, unsigned) noexcept {
    eventfd_t count;
    eventfd_read(watch.fd(), &count);
    ++here().counters.wake_ups; // by another thread
  });
  poller.add(*wake_watch);
}

void HubImpl::watch_timer_fd() {
  timer_watch.emplace(timer_fd, readable, [](Watch& watch, unsigned) noexcept {
    std::uint64_t count;
    [[maybe_unused]] const auto n = ::read(watch.fd(), &count, sizeof count);
    here().timer_armed_for = 0;
  });
  poller.add(*timer_watch);
}

HubImpl& open_hub() {
  if (this_hub->index != no_hub_index) {
    throw std::logic_error("grove: this thread has a hub already");
  }
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::uint16_t index = 0;
  while (index < max_hubs && all.open[index])
    ++index;
  if (index == max_hubs)
    throw std::runtime_error("grove: more than 255 hubs");
  HubImpl* hub = all.hubs[index].load(std::memory_order_relaxed);
  if (hub == nullptr) {
    hub = new HubImpl;
    hub->state.index = index;
    enter_debug_table(*hub);
    all.hubs[index].store(hub, std::memory_order_release);
  }
  hub->open();
  all.open[index] = true;
  all.living.fetch_add(1, std::memory_order_acq_rel);
  start_watchdog_of_environment();
  return *hub;
}

void HubImpl::open() {
  refuse_shadow_stacks();
  ++life;
  state.hub = this;
  state.run_head = nullptr;
  state.run_tail = &state.run_head;
  state.eh = reinterpret_cast<EhGlobals*>(abi::__cxa_get_globals());
  state.error = &errno;
  state.tick = wound = dispatches_per_tick;
  state.spawns = 64;
  main_identity.ops = &main_ops;
  main_identity.home = static_cast<std::uint8_t>(state.index);
  main_identity.flags = flag::live | flag::started;
  state.current = &main_identity;
  state.context = &main_context;
  pthread_attr_t attributes;
  void* low = nullptr;
  std::size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
  }
  main_context.limit = static_cast<char*>(low);
  main_context.size = main_context.usable = size;
#if GROVE_TSAN
  main_context.fiber = __tsan_get_current_fiber();
#endif
  // What the hub that had this memory before has left.
  error_hook = {};
  counters = {};
  simulation = nullptr;
  random = 0;
  spawn_hooks.clear();
  state.spawn_hooks = false;
  attachments = 0;
  clock.open();
  state.time = clock.sync();
  poll_interval_cycles = clock.cycles_in(100'000);
  lookout = {};
  lookout_nanoseconds = 20'000;
  watch_for_overflow();
  inbox.store(nullptr, std::memory_order_release);
  thread.store(gettid(), std::memory_order_relaxed);
  this_hub = &state;
}

HubState& start_main_hub() {
  if (getpid() != gettid()) {
    throw std::logic_error("grove: this thread has no hub; use a HubThread, or send it work with "
                           "Hub::post");
  }
  return open_hub().state;
}

// -- posted calls ------------------------------------------------------------------------------

namespace {
void run_posted(Identity*, Mail* mail) {
  auto* call = static_cast<PostedCall*>(mail);
  const bool shutting_down = HubImpl::here().shutting_down;
  const PostedOps& ops = *call->ops;
  if (ops.in_poll || shutting_down) {
    if (ops.in_poll)
      ops.run(call);
    ops.dispose(call);
    return;
  }
  const AsMain as_main;
  spawn([holder = std::unique_ptr<PostedCall, void (*)(PostedCall*)>(
             call, [](PostedCall* c) { c->ops->dispose(c); })] { holder->ops->run(holder.get()); });
}
} // namespace

bool is_shutting_down() { return HubImpl::here().shutting_down; }

std::uint64_t life_of_this_hub() { return HubImpl::here().life; }

void HubImpl::shut_down() {
  shutting_down = true;
  {
    const Shield shield;
    if (main_identity.extras != nullptr)
      main_identity.extras->locals.drop_all(); // their destructors may wait
    // Whoever declines a kill is asked again, in rounds, and then left behind.
    for (int round = 0; round < 100; ++round) {
      std::vector<IdentityRef> living;
      identities.for_each_living([&](Identity* identity) {
        if ((identity->flags & flag::finished) == 0) {
          living.push_back({identity, identity->generation});
        }
      });
      if (living.empty())
        break;
      for (const IdentityRef& ref : living) {
        if (ref.alive())
          kill_identity(ref.identity, nullptr);
      }
      for (const IdentityRef& ref : living) {
        if (ref.alive())
          join_identity(ref, std::chrono::milliseconds(round < 10 ? 10 : 100));
      }
    }
    // What was killed before it began still stands in the run queue, which holds it.
    for (int i = 0; i < 1000 && state.run_head != nullptr; ++i)
      yield_now();
  }
  // Whoever has declined every kill is left behind: nobody will resume it.
  identities.for_each_living([](Identity* identity) {
    if ((identity->flags & flag::finished) != 0)
      return; // a handle keeps its result
    if (identity->extras != nullptr)
      identity->extras->locals.abandon_all();
    ++identity->generation;
    identity->flags = 0;
  });
  drop_watches();
  // What comes too late is dropped: askers hear of it, and nobody runs it.
  for (Mail* late = inbox.exchange(closed_mark(), std::memory_order_acq_rel); late != nullptr;) {
    Mail* next = late->next;
    if (late->handle == run_posted)
      static_cast<PostedCall*>(late)->ops->dispose(static_cast<PostedCall*>(late));
    else
      late->handle(nullptr, late);
    late = next;
  }
  flush_returns();
  drop_extras(&main_identity);
  ++main_identity.generation; // a Timeout around all this has no owner any more
  end_signals_here();
  thread.store(0, std::memory_order_relaxed);
  report_omitted(true);
  hints = nullptr; // of those who were left behind, as the timers, and those of main
  timers.keep_if([](const Timer&) { return false; });
  timer_armed_for = 0;
  stacks.release_all();
  state.idle_hosts = nullptr;
  this_hub = &no_hub;
  shutting_down = false;
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.open[state.index] = false;
  all.living.fetch_sub(1, std::memory_order_acq_rel);
}

void throw_wrong_hub(const char* what) {
  throw std::logic_error(std::string("grove: ") + what +
                         ": the object belongs to another hub; what crosses hubs are ActorRefs, "
                         "Hub::post, SharedQueue and the setting of an AsyncResult");
}

bool post_or_drop(Hub& hub, PostedCall* call) {
  call->handle = run_posted;
  call->target = nullptr;
  if (HubImpl::of(hub).send(call))
    return true;
  call->ops->dispose(call);
  return false;
}

// -- errors and reports --------------------------------------------------------------------------

std::string name_of(Identity* identity) {
  if (identity->extras != nullptr && !identity->extras->name.empty())
    return identity->extras->name;
  if (identity->id == 0)
    return "main";
  return std::string(identity->ops->kind) + "-" + std::to_string(identity->id);
}

void count_loss(Loss what) noexcept {
  if (this_hub->index == no_hub_index)
    return;
  Hub::Stats& counters = HubImpl::of(*this_hub).counters;
  switch (what) {
  case Loss::dead_letter:
    ++counters.dead_letters;
    break;
  case Loss::late_reply:
    ++counters.late_replies;
    break;
  case Loss::expired_request:
    ++counters.expired_requests;
    break;
  case Loss::dropped_message:
    ++counters.dropped_messages;
    break;
  }
}

Hub* hub_of(const Identity* identity) { return hub_at(identity->home); }

} // namespace detail

// -- Hub ------------------------------------------------------------------------------------------

Hub& Hub::current() { return *detail::here().hub; }

void Hub::on_error(ErrorHook hook) { detail::HubImpl::of(*this).error_hook = std::move(hook); }

void Hub::look_out_for(std::chrono::nanoseconds time) {
  if (time < time.zero())
    throw std::invalid_argument("grove: Hub.look_out_for: a time of " +
                                std::to_string(time.count()) + " ns is negative");
  detail::HubImpl::of(*this).lookout_nanoseconds =
      std::min<std::chrono::nanoseconds>(time, std::chrono::seconds(1)).count();
}

std::uint16_t Hub::index() const { return static_cast<const detail::HubImpl*>(this)->state.index; }

Hub::Attachment Hub::attach() {
  ++detail::HubImpl::of(*this).attachments;
  return {};
}

Hub::Attachment::~Attachment() {
  if (!held_)
    return;
  if (home_.is_here())
    detail::HubImpl::here().detach();
  else // the hub may sleep on the strength of this: it looks again when that comes
    detail::post_inline(home_.hub(), [home = home_] {
      if (home.is_here())
        detail::HubImpl::here().detach();
    });
}

} // namespace grove
