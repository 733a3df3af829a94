// SPDX-License-Identifier: MIT
// The watchdog's thread, and the signal by which it looks at a hub on the hub's own thread.
#include <grove/hub/watchdog.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <grove/hub/log.hpp>

#include "back_trace.hpp"
#include "extras.hpp"
#include "hub_impl.hpp"
#include "watchdog.hpp"

namespace grove {

namespace detail {

namespace {

constexpr int look_signal = SIGURG; // what nearly nobody uses, and debuggers pass on

// What moves whenever a hub gets on, or another takes its number.
struct Progress {
  std::uint64_t life = 0;
  std::uint64_t dispatches = 0;
  std::uint64_t polls = 0;
  std::uint64_t sleeps = 0;
  bool operator==(const Progress&) const = default;
};

// One look at one hub. The watchdog asks by raising `asked`; the handler, on the hub's thread,
// fills in the rest and raises `answered`. Each leaves it alone while it is the other's turn.
struct Look {
  std::atomic<std::uint32_t> asked{0};
  std::atomic<std::uint32_t> answered{0};

  // the handler's
  Progress last;
  std::int64_t unchanged_since = 0;
  std::int64_t unchanged_for = 0; // nanoseconds; 0: it gets on
  bool ignored = false;
  char who[64] = {};
  BackTrace trace;

  // the watchdog's
  bool reported = false;
  std::int64_t asked_at = 0;
  bool told_unanswered = false;
};

// Never freed: a signal may come late.
std::array<std::atomic<Look*>, max_hubs> looks{};
struct sigaction previous;

void name_into(char (&text)[64], const Identity& who) {
  std::size_t length = 0;
  const auto put = [&](const char* from, std::size_t count) {
    for (; count != 0 && length + 1 < sizeof text; --count)
      text[length++] = *from++;
  };
  // The signal may have come in the midst of its getting another name.
  if (who.extras != nullptr && !who.extras->is_renamed.load(std::memory_order_relaxed) &&
      !who.extras->name.empty()) {
    put(who.extras->name.data(), who.extras->name.size());
  } else {
    put(who.ops->kind, std::strlen(who.ops->kind));
    if (who.id != 0) {
      char number[12];
      const auto end = std::to_chars(number, number + sizeof number, who.id).ptr;
      put("-", 1);
      put(number, static_cast<std::size_t>(end - number));
    }
  }
  text[length] = '\0';
}

// Only what is async-signal-safe.
void look_at(HubImpl& hub, Look& look, const void* ucontext) {
  const std::uint32_t asked = look.asked.load(std::memory_order_acquire);
  if (look.answered.load(std::memory_order_relaxed) == asked)
    return; // answered by an earlier signal
  const Progress now{hub.life, hub.dispatches(), hub.counters.polls, hub.counters.sleeps};
  const std::int64_t clock = steady_nanoseconds();
  const bool asleep = hub.inbox.load(std::memory_order_relaxed) == sleeping_mark() ||
                      hub.looking_out.load(std::memory_order_relaxed);
  // One that is asleep counts as awake from the next look on.
  if (asleep || look.unchanged_since == 0 || !(now == look.last)) {
    look.last = now;
    look.unchanged_since = asleep ? 0 : clock;
    look.unchanged_for = 0;
  } else {
    const Identity& who = *hub.state.current;
    look.unchanged_for = clock - look.unchanged_since;
    look.ignored = (now.dispatches == 0 && now.sleeps == 0) ||
                   (who.extras != nullptr && who.extras->unwatched != 0);
    name_into(look.who, who);
    look.trace.capture_interrupted(ucontext);
  }
  look.answered.store(asked, std::memory_order_release);
}

void on_look(int signal, siginfo_t* info, void* ucontext) {
  const int saved = errno;
  if (info->si_code == SI_TKILL && info->si_pid == getpid()) {
    HubState& hub = *this_hub;
    if (hub.index != no_hub_index) {
      if (Look* look = looks[hub.index].load(std::memory_order_acquire))
        look_at(HubImpl::of(hub), *look, ucontext);
    }
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    if ((previous.sa_flags & SA_SIGINFO) != 0)
      previous.sa_sigaction(signal, info, ucontext);
    else
      previous.sa_handler(signal);
  }
  errno = saved;
}

std::string words(std::int64_t nanoseconds) {
  return std::to_string(nanoseconds / 1'000'000) + " ms";
}

// -- the thread -----------------------------------------------------------------------------------

class Engine {
public:
  // The limit in nanoseconds of the Watchdog that lives, or of the environment; 0: none.
  void set(std::int64_t of_object) {
    std::thread ended;
    {
      const std::lock_guard lock(mutex_);
      of_object_ = of_object;
      if (limit() == 0)
        ended = std::move(thread_);
      else if (!thread_.joinable())
        start();
    }
    changed_.notify_all();
    if (ended.joinable())
      ended.join();
  }
  void set_of_environment(std::int64_t limit) {
    const std::lock_guard lock(mutex_);
    of_environment_ = limit;
    if (!thread_.joinable())
      start();
  }

private:
  [[nodiscard]] std::int64_t limit() const {
    return of_object_ != 0 ? of_object_ : of_environment_;
  }

  void start() {
    static const bool handled = [] {
      struct sigaction action {};
      action.sa_sigaction = on_look;
      action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
      sigemptyset(&action.sa_mask);
      return sigaction(look_signal, &action, &previous) == 0;
    }();
    (void)handled;
    { // what the unwinder sets up at its first use is not for signal handlers
      BackTrace first;
      first.capture();
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // the thread takes nobody's signals
    try {
      thread_ = std::thread([this] { watch(); });
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void watch() {
    pthread_setname_np(pthread_self(), "grove-watchdog");
    for (auto& entry : looks) { // what an earlier watchdog saw
      Look* look = entry.load(std::memory_order_relaxed);
      if (look != nullptr && look->answered.load(std::memory_order_acquire) ==
                                 look->asked.load(std::memory_order_relaxed)) {
        look->unchanged_since = look->unchanged_for = 0;
        look->reported = false;
      }
    }
    std::unique_lock lock(mutex_);
    while (const std::int64_t longest = limit()) {
      lock.unlock();
      for (std::uint16_t index = 0; index < max_hubs; ++index) {
        if (HubImpl* hub = hub_at(index))
          watch(*hub, index, longest);
      }
      lock.lock();
      if (limit() == longest)
        changed_.wait_for(lock, std::chrono::nanoseconds(longest / 4));
    }
  }

  static void watch(HubImpl& hub, std::uint16_t index, std::int64_t longest) {
    Look* look = looks[index].load(std::memory_order_relaxed);
    if (look == nullptr) {
      look = new Look;
      looks[index].store(look, std::memory_order_release);
    }
    const std::uint32_t asked = look->asked.load(std::memory_order_relaxed);
    if (look->answered.load(std::memory_order_acquire) == asked) {
      look->told_unanswered = false;
      judge(*look, index, longest);
    } else if (steady_nanoseconds() - look->asked_at > 10 * longest && !look->told_unanswered &&
               hub.thread.load(std::memory_order_relaxed) != 0) {
      look->told_unanswered = true;
      log(LogLevel::warning, "hub " + std::to_string(index) +
                                 " does not answer its watchdog: is SIGURG blocked there, or has "
                                 "somebody replaced its handler?");
      return;
    }
    const Mail* word = hub.inbox.load(std::memory_order_relaxed);
    const int thread = hub.thread.load(std::memory_order_relaxed);
    if (word == sleeping_mark() || word == closed_mark() || thread == 0)
      return;
    if (look->answered.load(std::memory_order_relaxed) == asked) {
      look->asked_at = steady_nanoseconds();
      look->asked.store(asked + 1, std::memory_order_release);
    }
    // Again if there was no answer: that thread may have ended, and this be the next one's.
    syscall(SYS_tgkill, getpid(), thread, look_signal);
  }

  static void judge(Look& look, std::uint16_t index, std::int64_t longest) {
    if (look.unchanged_for == 0)
      look.reported = false;
    if (look.unchanged_for < longest || look.ignored || look.reported)
      return;
    look.reported = true;
    std::ostringstream out;
    out << "hub " << index << " has not switched for " << words(look.unchanged_for) << ": "
        << look.who << " runs, at\n";
    Symbols symbols;
    look.trace.print(out, symbols, "    ");
    std::string text = out.str();
    text.pop_back(); // the last line feed
    log(LogLevel::warning, text);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
  std::int64_t of_object_ = 0;
  std::int64_t of_environment_ = 0;
};

// One per process: a child of fork() has no thread and gets another.
struct Engines {
  std::mutex mutex;
  Engine* present = nullptr;
  int process = 0;
  int looked_at_environment = 0; // by which process
  bool has_object = false;
};
Engines& engines() {
  static auto* const the = new Engines; // the thread may outlast the statics
  return *the;
}

Engine& engine(Engines& all) {
  if (all.process != getpid()) {
    all.present = new Engine; // the parent's, if any, stays with its lost thread
    all.process = getpid();
    all.has_object = false;
    for (auto& look : looks)
      look.store(nullptr, std::memory_order_release);
  }
  return *all.present;
}

std::optional<std::int64_t> parse(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::int64_t scale = unit == "us"   ? 1'000
                             : unit == "ms" ? 1'000'000
                             : unit == "s"  ? 1'000'000'000
                                            : 0;
  if (error != std::errc() || scale == 0 || number <= 0 || number > 1'000'000'000'000 / scale ||
      number * scale < 1'000'000)
    return std::nullopt;
  return number * scale;
}

} // namespace

void lock_watchdogs() noexcept { engines().mutex.lock(); }
void unlock_watchdogs() noexcept { engines().mutex.unlock(); }

void start_watchdog_of_environment() {
  Engines& all = engines();
  const std::lock_guard lock(all.mutex);
  if (all.looked_at_environment == getpid())
    return;
  all.looked_at_environment = getpid();
  const char* text = std::getenv("GROVE_WATCHDOG"); // NOLINT: nobody writes it meanwhile
  if (text == nullptr || *text == '\0')
    return;
  if (const auto limit = parse(text))
    engine(all).set_of_environment(*limit);
  else
    log(LogLevel::warning,
        "GROVE_WATCHDOG=" + std::string(text) + " is no time from 1ms to 1000s; write 100ms, say");
}

} // namespace detail

Watchdog::Watchdog(std::chrono::nanoseconds limit) : process_(getpid()) {
  if (limit < std::chrono::milliseconds(1))
    throw std::invalid_argument("grove: Watchdog: less than 1 ms");
  auto& all = detail::engines();
  const std::lock_guard lock(all.mutex);
  detail::Engine& engine = detail::engine(all);
  if (all.has_object)
    throw std::logic_error("grove: there is a Watchdog already");
  engine.set(limit.count());
  all.has_object = true;
}

Watchdog::~Watchdog() {
  if (process_ != getpid())
    return; // a child of fork(): the thread stayed with the parent
  auto& all = detail::engines();
  const std::lock_guard lock(all.mutex);
  detail::engine(all).set(0);
  all.has_object = false;
}

Watchdog::Ignore::Ignore() : owner_(detail::here().current) {
  ++detail::extras_of(owner_).unwatched;
}
Watchdog::Ignore::~Ignore() { --owner_->extras->unwatched; }

} // namespace grove
