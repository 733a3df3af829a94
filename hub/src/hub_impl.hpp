// SPDX-License-Identifier: MIT
// HubImpl: all of a hub. Never freed: a hub that has shut down is used again for the next one, so
// that stale references and late senders find memory that is still a hub's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/detail/watch.hpp>
#include <grove/hub/hub.hpp>

#include "clock.hpp"
#include "locals.hpp"
#include "lookout.hpp"
#include "memory.hpp"
#include "poller.hpp"
#include "rate_limit.hpp"
#include "stacks.hpp"
#include "timers.hpp"

namespace grove {
class Simulation;
class SpawnHook;
} // namespace grove

namespace grove::detail {

struct DescriptorTable;
class Probe;
class WakerHint;
struct Visit;

inline Mail* sleeping_mark() { return reinterpret_cast<Mail*>(1); } // empty, owner asleep
inline Mail* closed_mark() { return reinterpret_cast<Mail*>(2); }   // the hub has shut down

inline constexpr std::uint32_t dispatches_per_tick = 64;

class HubImpl final : public Hub {
public:
  HubImpl(); // std::system_error
  HubImpl(const HubImpl&) = delete;
  HubImpl& operator=(const HubImpl&) = delete;
  ~HubImpl() = default; // never called: see above

  static HubImpl& of(HubState& state) { return *static_cast<HubImpl*>(state.hub); }
  static HubImpl& of(Hub& hub) { return static_cast<HubImpl&>(hub); }
  static HubImpl& here() { return of(detail::here()); }

  // -- life: see hub.cpp -----------------------------------------------------------------------
  void open();      // makes it the hub of the calling thread
  void shut_down(); // kills and unwinds all; then the thread has no hub any more

  // -- the loop: see loop.cpp --------------------------------------------------------------------
  void tick();           // every 64 dispatches
  void poll();           // looks at inbox, timers and descriptors; never blocks
  Identity* idle();      // the run queue is empty: waits until it is not
  bool send(Mail* sent); // any thread; false if the hub has shut down
  void drain_inbox();
  bool look_out();
  void sleep();
  void watch_wake_fd();
  void watch_timer_fd();
  void flush_returns();
  [[nodiscard]] bool can_be_woken() const;
  void report_deadlock();
  void drop_watches(); // stops all, and forgets who waits for descriptors: they never run again
  void report_omitted(bool all); // unhandled errors that were too many to show
  [[nodiscard]] std::string deadlock_text();
  // How often it was decided who runs next; counted down in state.tick.
  [[nodiscard]] std::uint64_t dispatches() const {
    return counters.dispatches + wound - state.tick;
  }
  // Sets off the countdown anew.
  void wind(std::uint32_t dispatches_until_tick) {
    counters.dispatches = dispatches();
    state.tick = wound = dispatches_until_tick;
  }

  // -- in the child of a fork(): see fork.cpp ----------------------------------------------------
  void go_on_after_fork();
  [[noreturn]] static void end_orphan();

  // -- state -------------------------------------------------------------------------------------
  HubState state;
  std::uint64_t life = 0; // which of the hubs that had this memory, from 1
  Identity main_identity;
  Context main_context;
  Stacks stacks;
  Timers timers;
  IdentitySlabs identities;
  MailSlabs mail_slabs;

  Poller poller;
  int wake_fd = -1;
  int timer_fd = -1;
  std::optional<Watch> wake_watch; // these two are the poller's only, and never count
  std::optional<Watch> timer_watch;
  std::int64_t timer_armed_for = 0; // 0: not armed
  std::size_t watches = 0;          // active ones
  std::size_t counted_watches = 0;  // of these, those that count against a Deadlock
  std::uint32_t attachments = 0;    // see Hub::attach()
  void detach() {
    if (attachments != 0) // in the child of a fork those of the parent do not count
      --attachments;
  }
  std::unique_ptr<DescriptorTable> descriptors;

  // When to poll though there is work: see tick().
  std::uint64_t last_poll_cycles = 0;
  std::uint64_t poll_interval_cycles = 0;
  std::uint32_t ticks_since_poll = 0;
  Lookout lookout;
  std::int64_t lookout_nanoseconds = 0;
  std::atomic<bool> looking_out{false}; // for the watchdog's signal

  HubClock clock;
  std::uint64_t random = 0; // state of random_number(); 0: not seeded yet
  Simulation* simulation = nullptr;
  Probe* probe = nullptr;

  IdentityRef survivor; // a greenlet that has forked, in the child: in main's place
  bool shutting_down = false;
  LocalsByKey locals;
  std::vector<SpawnHook*> spawn_hooks;
  Visit* visit = nullptr; // under way to a parked greenlet: see schedule.hpp
  WakerHint* hints = nullptr;
  std::uint32_t wound = dispatches_per_tick; // where the countdown of state.tick began
  ErrorHook error_hook;
  RateLimit reports;
  Stats counters{};

  std::atomic<int> thread{0}; // its number in the kernel; 0: shut down

  // written by other threads
  alignas(64) std::atomic<Mail*> inbox{nullptr};
  alignas(64) std::atomic<Mail*> returned{nullptr};
  // mail to hand back, one list per home
  alignas(64) std::array<Mail*, max_hubs> returns{};
  std::array<Mail*, max_hubs> last_return{};
  std::array<std::uint32_t, max_hubs> return_count{};
  std::vector<std::uint16_t> owed; // homes with a non-empty list
};

// What the poll spawns is nobody's child: `current` is then whoever parked last.
class AsMain {
public:
  AsMain()
      : hub_(HubImpl::here().state),
        before_(std::exchange(hub_.current, &HubImpl::of(hub_).main_identity)) {}
  AsMain(const AsMain&) = delete;
  AsMain& operator=(const AsMain&) = delete;
  ~AsMain() { hub_.current = before_; }

private:
  HubState& hub_;
  Identity* before_;
};

// The hubs by index; entries stay once set. Any thread.
HubImpl* hub_at(std::uint16_t index);
std::size_t living_hubs();

// A hub for the calling thread.
HubImpl& open_hub();

// Puts the identity's name, kind and state into words.
std::string words_of(Identity* identity);

} // namespace grove::detail
