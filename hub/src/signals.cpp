// SPDX-License-Identifier: MIT
// The one signal handler, and what it tells the hubs.
//
// The handler touches atomics and eventfds only. What it may look at at any time (the relays, their
// eventfds, the former dispositions) is never freed.
#include "signals.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <grove/hub/detail/watch.hpp>

#include "hub_impl.hpp"

namespace grove::detail {

std::string name_of_signal(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

namespace {

constexpr int signal_count = 64;
constexpr std::uint64_t bit_of(int signal) { return std::uint64_t{1} << (signal - 1); }

// What the handler knows of one hub.
struct Relay {
  std::atomic<std::uint64_t> wanted{0};  // signals that the hub asked for
  std::atomic<std::uint64_t> pending{0}; // of these, those that have come
  std::atomic<int> fd{-1};               // an eventfd, once it is needed
  std::unique_ptr<Watch> watch;          // of it, under the hub's loop
};

struct Disposition {
  // What was there each time that ours was installed over it, the last one last. Mostly there is
  // one. There are more for SIGCHLD, when somebody replaced ours and stayed until the next first
  // route came: he may call ours in turn, which then goes on with the one before him.
  std::array<struct sigaction, 4> before{};
  // The function of each, for the handler, which may still run on another thread when a layer is
  // given back and the next one comes in its place.
  std::array<std::atomic<std::uintptr_t>, 4> functions{};
  std::atomic<unsigned> layers{0};
  unsigned routes = 0;       // that a hub hears of
  unsigned last_resorts = 0; // of these
  unsigned left = 0;         // further ones, whose hub has ended: they keep the signal caught
  [[nodiscard]] bool is_wanted() const { return routes + left != 0; }
};

struct Signals {
  std::mutex mutex; // for all below that is not atomic
  std::array<Relay, max_hubs> relays;
  std::atomic<std::size_t> used_relays{0};
  std::array<Disposition, signal_count + 1> dispositions;
  std::atomic<std::uint64_t> second_ends{0}; // signals whose second arrival ends the process
  std::atomic<int> first{0};                 // the first of these that came
  WaitNode routes;                           // a ring, in the order of subscription
};
Signals& signals() {
  static auto* const the = new Signals; // a signal may come after the statics have gone
  return *the;
}

bool has_function(const struct sigaction& action) {
  // The two kinds of handler share their place: SA_SIGINFO may stand beside SIG_IGN.
  return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

// In one word: its address, and whether it takes three arguments. 0: none.
constexpr std::uintptr_t takes_three = std::uintptr_t{1} << (sizeof(std::uintptr_t) * 8 - 1);
std::uintptr_t function_of(const struct sigaction& action) {
  if (!has_function(action))
    return 0;
  return (action.sa_flags & SA_SIGINFO) != 0
             ? reinterpret_cast<std::uintptr_t>(action.sa_sigaction) | takes_three
             : reinterpret_cast<std::uintptr_t>(action.sa_handler);
}

// Libraries share SIGCHLD: whoever was there before hears of it too. One that replaced ours and was
// replaced by it has us as the one before him, and calls us from within: that is for the next one.
constinit thread_local unsigned calls_within = 0;
void call_the_one_before(siginfo_t* info, void* context) {
  const Disposition& disposition = signals().dispositions[SIGCHLD];
  const unsigned layers = disposition.layers.load();
  if (calls_within >= layers)
    return;
  const std::uintptr_t before = disposition.functions[layers - 1 - calls_within].load();
  if (before == 0)
    return;
  ++calls_within;
  if ((before & takes_three) != 0)
    reinterpret_cast<decltype(sigaction::sa_sigaction)>(before & ~takes_three)(SIGCHLD, info,
                                                                               context);
  else
    reinterpret_cast<decltype(sigaction::sa_handler)>(before)(SIGCHLD);
  --calls_within;
}

void pass_on(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  Signals& all = signals();
  const std::uint64_t bit = bit_of(signal);
  if ((all.second_ends.load() & bit) != 0) {
    int none = 0;
    if (!all.first.compare_exchange_strong(none, signal)) {
      std::signal(signal, SIG_DFL); // as if Main were not there
      ::raise(signal);
      errno = saved;
      return;
    }
  }
  const std::size_t count = all.used_relays.load();
  for (std::size_t i = 0; i < count; ++i) {
    Relay& relay = all.relays[i];
    if ((relay.wanted.load() & bit) == 0)
      continue;
    relay.pending.fetch_or(bit);
    eventfd_write(relay.fd.load(), 1); // cannot fill up
  }
  if (signal == SIGCHLD)
    call_the_one_before(info, context);
  errno = saved;
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == pass_on;
}

void give_back(int signal) noexcept {
  struct sigaction present {};
  if (sigaction(signal, nullptr, &present) != 0 || !is_ours(present))
    return;
  Disposition& disposition = signals().dispositions[static_cast<std::size_t>(signal)];
  const unsigned layers = disposition.layers.load();
  sigaction(signal, &disposition.before[layers - 1], nullptr);
  disposition.layers = layers - 1;
}

[[noreturn]] void throw_unhandled(int signal);

void install(int signal) {
  struct sigaction present {};
  if (sigaction(signal, nullptr, &present) != 0)
    throw_unhandled(signal);
  Disposition& disposition = signals().dispositions[static_cast<std::size_t>(signal)];
  if (is_ours(present)) { // who replaced it has put it back, perhaps too late
    if (disposition.layers.load() == 0) {
      disposition.before[0] = {}; // the default
      disposition.functions[0] = 0;
      disposition.layers = 1;
    }
    return;
  }
  // Whether he who replaced ours calls it cannot be seen. If he can not, nobody else can.
  const unsigned before = disposition.layers.load();
  const unsigned layers = signal == SIGCHLD && has_function(present) ? before : 0;
  if (layers == disposition.before.size())
    return; // so many that have replaced it will call it
  struct sigaction action {};
  action.sa_sigaction = pass_on;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  // First of all, so that the handler never finds half of it.
  disposition.before[layers] = present;
  disposition.functions[layers] = function_of(present);
  disposition.layers = layers + 1;
  if (sigaction(signal, &action, nullptr) != 0) {
    disposition.layers = before;
    throw_unhandled(signal);
  }
}

template <class F>
void for_each_route(F&& f) {
  WaitNode& head = signals().routes;
  if (head.next == nullptr)
    return;
  for (WaitNode* node = head.next; node != &head;) {
    auto* route = static_cast<SignalRoute*>(node);
    node = node->next;
    f(*route);
  }
}

void deliver(Watch& watch, unsigned) noexcept {
  std::uint64_t count;
  [[maybe_unused]] const auto n = ::read(watch.fd(), &count, sizeof count);
  Signals& all = signals();
  const std::uint16_t home = this_hub->index;
  Relay& relay = all.relays[home];
  std::shared_ptr<SignalRoute> due; // those that may run what is not ours
  {
    const std::lock_guard lock(all.mutex);
    std::shared_ptr<SignalRoute>* last = &due;
    const std::uint64_t come = relay.pending.exchange(0);
    for_each_route([&](SignalRoute& route) {
      if (route.home != home || (come & bit_of(route.signal)) == 0)
        return;
      const Disposition& disposition = all.dispositions[static_cast<std::size_t>(route.signal)];
      if (route.last_resort && disposition.routes != disposition.last_resorts)
        return;
      if (route.pin == nullptr) {
        route.arrived(route);
        return;
      }
      *last = route.pin(route);
      last = &route.next_due;
    });
    if (relay.wanted.load() == 0) // the last route was unsubscribed elsewhere
      watch.stop();
  }
  while (due != nullptr) {
    const std::shared_ptr<SignalRoute> route = std::move(due);
    due = std::move(route->next_due);
    {
      const std::lock_guard lock(all.mutex);
      if (!route->linked())
        continue;
    }
    route->arrived(*route);
  }
}

void update_second_ends(int signal) {
  Signals& all = signals();
  const Disposition& disposition = all.dispositions[static_cast<std::size_t>(signal)];
  if (disposition.last_resorts != 0 && disposition.routes == disposition.last_resorts)
    all.second_ends.fetch_or(bit_of(signal));
  else
    all.second_ends.fetch_and(~bit_of(signal));
}

void refuse(int signal) {
  switch (signal) {
  case SIGSEGV:
  case SIGBUS:
  case SIGFPE:
  case SIGILL:
  case SIGTRAP:
  case SIGABRT:
    throw std::invalid_argument("grove: on_signal: " + name_of_signal(signal) +
                                " is a fault of the program, which cannot be handled later");
  default:
    if (signal >= 1 && signal <= signal_count)
      return;
    throw std::invalid_argument("grove: on_signal: there is no signal " + std::to_string(signal));
  }
}

[[noreturn]] void throw_unhandled(int signal) {
  throw std::invalid_argument("grove: on_signal: " + name_of_signal(signal) + " cannot be handled");
}

// On the relay's own hub. The eventfd stays with the index when that hub ends, for the next one:
// the handler, which takes no lock, may be about to write to it at any time.
void open_relay(Relay& relay, std::uint16_t index) {
  if (relay.watch == nullptr) {
    const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
      throw std::system_error(errno, std::system_category(), "grove: eventfd for signals");
    relay.fd = fd;
    relay.watch = std::make_unique<Watch>(fd, readable, deliver);
    relay.watch->counted = false; // a signal that may come is no reason to wait for ever
    Signals& all = signals();
    if (all.used_relays.load() <= index)
      all.used_relays = index + std::size_t{1};
  }
  relay.watch->start();
}

} // namespace

void subscribe(SignalRoute& route) {
  refuse(route.signal);
  const std::uint16_t home = here().index;
  Signals& all = signals();
  const std::lock_guard lock(all.mutex);
  Relay& relay = all.relays[home];
  open_relay(relay, home);
  Disposition& disposition = all.dispositions[static_cast<std::size_t>(route.signal)];
  if (!disposition.is_wanted())
    install(route.signal);
  if (route.last_resort && all.second_ends.load() == 0)
    all.first = 0;
  ++disposition.routes;
  disposition.last_resorts += route.last_resort ? 1 : 0;
  update_second_ends(route.signal);
  route.home = home;
  if ((relay.wanted.load() & bit_of(route.signal)) == 0)
    relay.pending.fetch_and(~bit_of(route.signal)); // what came too late for an earlier route
  relay.wanted.fetch_or(bit_of(route.signal));
  WaitNode& head = all.routes;
  if (head.next == nullptr)
    head.prev = head.next = &head;
  route.next = &head;
  route.prev = head.prev;
  head.prev->next = &route;
  head.prev = &route;
}

namespace {
// Under the lock: its hub does not hear of it any more.
void leave_hub(SignalRoute& route) noexcept {
  Signals& all = signals();
  Disposition& disposition = all.dispositions[static_cast<std::size_t>(route.signal)];
  --disposition.routes;
  disposition.last_resorts -= route.last_resort ? 1 : 0;
  update_second_ends(route.signal);
  const std::uint16_t home = std::exchange(route.home, no_hub_index);
  bool still_wanted = false;
  for_each_route([&](const SignalRoute& other) {
    still_wanted |= other.home == home && other.signal == route.signal;
  });
  if (still_wanted)
    return;
  Relay& relay = all.relays[home];
  relay.wanted.fetch_and(~bit_of(route.signal));
  relay.pending.fetch_and(~bit_of(route.signal));
  if (relay.wanted.load() == 0 && this_hub->index == home)
    relay.watch->stop(); // else it is stopped by the next signal that finds nobody
}
} // namespace

void unsubscribe(SignalRoute& route) noexcept {
  Signals& all = signals();
  const std::lock_guard lock(all.mutex);
  if (!route.linked())
    return;
  route.unlink();
  Disposition& disposition = all.dispositions[static_cast<std::size_t>(route.signal)];
  if (route.home != no_hub_index)
    leave_hub(route);
  else
    --disposition.left;
  if (!disposition.is_wanted())
    give_back(route.signal);
}

void end_signals_here() noexcept {
  Signals& all = signals();
  const std::uint16_t home = this_hub->index;
  const std::lock_guard lock(all.mutex);
  for_each_route([&](SignalRoute& route) {
    if (route.home != home)
      return;
    leave_hub(route);
    ++all.dispositions[static_cast<std::size_t>(route.signal)].left;
  });
}

void lock_signals() noexcept { signals().mutex.lock(); }
void unlock_signals() noexcept { signals().mutex.unlock(); }

void forget_signals() noexcept {
  Signals& all = signals();
  for (int signal = 1; signal <= signal_count; ++signal) {
    Disposition& disposition = all.dispositions[static_cast<std::size_t>(signal)];
    if (disposition.is_wanted())
      give_back(signal);
    disposition.routes = disposition.last_resorts = disposition.left = 0;
  }
  all.second_ends = 0;
  all.first = 0;
  for_each_route([](SignalRoute& route) { route.unlink(); });
  for (std::size_t i = 0; i < all.used_relays.load(); ++i) {
    Relay& relay = all.relays[i];
    relay.wanted = 0;
    relay.pending = 0;
    if (relay.watch == nullptr)
      continue;
    if (this_hub->index == i)
      relay.watch->stop();
    // The eventfd is the parent's too. The watch of a hub whose thread is gone stays with its loop.
    [[maybe_unused]] Watch* const abandoned = relay.watch.release();
    if (this_hub->index == i)
      delete abandoned;
    ::close(relay.fd.exchange(-1));
  }
}

} // namespace grove::detail
