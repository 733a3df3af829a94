// SPDX-License-Identifier: MIT
// The one signal handler, and on_signal().
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
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/detail/watch.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/signal.hpp>

#include "hub_impl.hpp"

namespace grove {

namespace detail {

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
  struct sigaction before {}; // what was there when the first route came
  unsigned routes = 0;
  unsigned last_resorts = 0; // of these
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
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(relay.fd.load(), &one, sizeof one); // cannot fill up
  }
  if (signal == SIGCHLD) { // libraries share this one: whoever was there before hears of it too
    const struct sigaction& before = all.dispositions[SIGCHLD].before;
    if ((before.sa_flags & SA_SIGINFO) != 0) {
      if (before.sa_sigaction != nullptr)
        before.sa_sigaction(signal, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
      before.sa_handler(signal);
    }
  }
  errno = saved;
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == pass_on;
}

void give_back(int signal) noexcept {
  struct sigaction present {};
  if (sigaction(signal, nullptr, &present) == 0 && is_ours(present))
    sigaction(signal, &signals().dispositions[static_cast<std::size_t>(signal)].before, nullptr);
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
  const std::lock_guard lock(all.mutex);
  const std::uint64_t come = relay.pending.exchange(0);
  for_each_route([&](SignalRoute& route) {
    if (route.home != home || (come & bit_of(route.signal)) == 0)
      return;
    const Disposition& disposition = all.dispositions[static_cast<std::size_t>(route.signal)];
    if (!route.last_resort || disposition.routes == disposition.last_resorts)
      route.arrived(route);
  });
  if (relay.wanted.load() == 0) // the last route was unsubscribed elsewhere
    watch.stop();
}

void update_second_ends(int signal) {
  Signals& all = signals();
  const Disposition& disposition = all.dispositions[static_cast<std::size_t>(signal)];
  if (disposition.last_resorts != 0 && disposition.routes == disposition.last_resorts)
    all.second_ends.fetch_or(bit_of(signal));
  else
    all.second_ends.fetch_and(~bit_of(signal));
}

std::string name_of_signal(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
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

// On the relay's own hub.
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
  if (disposition.routes == 0) {
    struct sigaction action {};
    action.sa_sigaction = pass_on;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    // Read first, so that the handler never finds half of it.
    if (sigaction(route.signal, nullptr, &disposition.before) != 0 ||
        sigaction(route.signal, &action, nullptr) != 0) {
      throw std::invalid_argument("grove: on_signal: " + name_of_signal(route.signal) +
                                  " cannot be handled");
    }
  }
  if (route.last_resort && all.second_ends.load() == 0)
    all.first = 0;
  ++disposition.routes;
  disposition.last_resorts += route.last_resort ? 1 : 0;
  update_second_ends(route.signal);
  route.home = home;
  relay.wanted.fetch_or(bit_of(route.signal));
  WaitNode& head = all.routes;
  if (head.next == nullptr)
    head.prev = head.next = &head;
  route.next = &head;
  route.prev = head.prev;
  head.prev->next = &route;
  head.prev = &route;
}

void unsubscribe(SignalRoute& route) noexcept {
  Signals& all = signals();
  const std::lock_guard lock(all.mutex);
  if (!route.linked())
    return;
  route.unlink();
  Disposition& disposition = all.dispositions[static_cast<std::size_t>(route.signal)];
  --disposition.routes;
  disposition.last_resorts -= route.last_resort ? 1 : 0;
  update_second_ends(route.signal);
  if (disposition.routes == 0)
    give_back(route.signal);
  bool still_wanted = false;
  for_each_route([&](const SignalRoute& other) {
    still_wanted |= other.home == route.home && other.signal == route.signal;
  });
  if (still_wanted)
    return;
  Relay& relay = all.relays[route.home];
  relay.wanted.fetch_and(~bit_of(route.signal));
  relay.pending.fetch_and(~bit_of(route.signal));
  if (relay.wanted.load() == 0 && this_hub->index == route.home)
    relay.watch->stop(); // else it is stopped by the next signal that finds nobody
}

void lock_signals() noexcept { signals().mutex.lock(); }
void unlock_signals() noexcept { signals().mutex.unlock(); }

void forget_signals() noexcept {
  Signals& all = signals();
  for (int signal = 1; signal <= signal_count; ++signal) {
    Disposition& disposition = all.dispositions[static_cast<std::size_t>(signal)];
    if (disposition.routes != 0)
      give_back(signal);
    disposition.routes = disposition.last_resorts = 0;
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

} // namespace detail

// -- on_signal -----------------------------------------------------------------------------------

struct SignalWatch::Entry : detail::SignalRoute, std::enable_shared_from_this<Entry> {
  std::function<void(int)> function;
  std::string name;
  std::optional<Hub::Attachment> attachment;
  std::atomic<bool> active{true};

  static void run(detail::SignalRoute& route) noexcept {
    auto& self = static_cast<Entry&>(route);
    const detail::AsMain as_main;
    try {
      spawn(SpawnOptions{.name = self.name}, [entry = self.shared_from_this()] {
        if (entry->active.load())
          entry->function(entry->signal);
      });
    } catch (...) { // no memory for it
      detail::report_unhandled(detail::this_hub->current, std::current_exception());
    }
  }
};

SignalWatch::SignalWatch(int signal, std::function<void(int)> f, SignalOptions options)
    : entry_(std::make_shared<Entry>()) {
  entry_->signal = signal;
  entry_->arrived = Entry::run;
  entry_->function = std::move(f);
  entry_->name = detail::name_of_signal(signal);
  if (options.awaited)
    entry_->attachment.emplace(Hub::current().attach());
  detail::subscribe(*entry_);
}

void SignalWatch::cancel() noexcept {
  if (entry_ == nullptr)
    return;
  entry_->active = false;
  detail::unsubscribe(*entry_);
  entry_.reset();
}

int SignalWatch::signal() const { return entry_ == nullptr ? 0 : entry_->signal; }

} // namespace grove
