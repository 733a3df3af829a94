// SPDX-License-Identifier: MIT
// A child's life: waiting for its end, signals to it, its collection.
#include <grove/hub/process.hpp>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

#include <grove/hub/timeout.hpp>

#include "process_start.hpp"
#include "process_state.hpp"

namespace grove {

std::string to_string(ExitStatus status) {
  if (const auto code = status.code())
    return "exit code " + std::to_string(*code);
  if (const auto signal = status.signal()) {
    const char* name = sigabbrev_np(*signal);
    return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(*signal);
  }
  return "unknown exit status";
}

// -- State ---------------------------------------------------------------------------------------

namespace {

int open_pidfd(pid_t pid) {
  const char* wish = std::getenv("GROVE_PIDFD");
  if (wish != nullptr && std::strcmp(wish, "0") == 0)
    return -1;
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); // close-on-exec
}

// Collects the end of the child, if it has come (or, when told so, once it comes).
std::optional<ExitStatus> collect(int pidfd, pid_t pid, int options) {
  constexpr auto by_pidfd = static_cast<idtype_t>(3); // P_PIDFD: the number may be another's
  const idtype_t by = pidfd >= 0 ? by_pidfd : P_PID;
  siginfo_t info{};
  int result;
  do
    result = waitid(by, static_cast<id_t>(pidfd >= 0 ? pidfd : pid), &info, WEXITED | options);
  while (result != 0 && errno == EINTR);
  if (result != 0)
    return ExitStatus(); // ECHILD: it is gone, and nobody says how
  if (info.si_pid == 0)
    return std::nullopt;
  return info.si_code == CLD_EXITED ? ExitStatus::of_code(info.si_status)
                                    : ExitStatus::of_signal(info.si_status);
}

int send_signal(int pidfd, pid_t pid, int signal) {
  return pidfd >= 0 ? static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0))
                    : ::kill(pid, signal);
}

} // namespace

Process::State::State(const std::vector<std::string>& argv, const ProcessOptions& options)
    : name(argv.empty() ? std::string() : argv.front()), owner(getpid()),
      leads_group(options.new_group || options.new_session) {
  // Whatever may throw after the start would leave a child that nobody knows.
  ProcessStart start(argv, options);
  pid = start.pid;
  in = std::move(start.in);
  out = std::move(start.out);
  err = std::move(start.err);
  pidfd = open_pidfd(pid); // it is a child of ours and not collected: the number is still its own
  if (pidfd >= 0) {
    watch.emplace(pidfd, detail::readable, [](detail::Watch& w, unsigned) noexcept {
      static_cast<State*>(w.owner)->see_end();
    });
    watch->owner = this;
  }
  route.owner = this;
  route.signal = SIGCHLD;
  route.arrived = [](detail::SignalRoute& r) noexcept { static_cast<Route&>(r).owner->see_end(); };
}

Process::State::~State() {
  if (pidfd < 0)
    return;
  watch.reset();
  ::close(pidfd);
}

bool Process::State::see_end() noexcept {
  if (!status)
    status = collect(pidfd, pid, WNOHANG);
  if (!status)
    return false;
  while (detail::Waiter* waiter = waiters.pop_parked()) {
    *static_cast<ExitStatus*>(waiter->item) = *status;
    waiter->granted = true;
    detail::wake(waiter->who);
  }
  if (pidfd >= 0)
    stop_looking(); // a route stays until its waiter runs: this may be a round of all routes
  return true;
}

void Process::State::look() {
  if (pidfd >= 0) {
    watch->start();
    return;
  }
  if (route.linked())
    return;
  detail::subscribe(route);
  awaited.emplace(Hub::current().attach());
  if (!status)
    status = collect(pidfd, pid, WNOHANG); // it may have come before
  if (!status)
    return;
  // Who looks does not wait yet: the poll tells it, if it still asks by then.
  detail::post_inline(Hub::current(), [asked = weak_from_this()] {
    if (const auto self = asked.lock())
      self->see_end();
  });
}

void Process::State::stop_looking() noexcept {
  if (pidfd >= 0) {
    watch->stop();
    return;
  }
  detail::unsubscribe(route);
  awaited.reset();
}

// -- Process -------------------------------------------------------------------------------------

Process::Process(const std::vector<std::string>& argv, const ProcessOptions& options)
    : state_(std::make_shared<State>(argv, options)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    end();
    state_ = std::move(other.state_);
  }
  return *this;
}

Process::~Process() { end(); }

void Process::end() noexcept {
  if (state_ == nullptr)
    return;
  State& state = *state_;
  state.gone = true;
  state.talkers.break_all();
  if (state.owner == getpid() && !state.status && state.leads_group)
    ::kill(-state.pid, SIGKILL); // until it is collected the group's number is its own
  if (state.owner == getpid() && !state.see_end()) {
    send_signal(state.pidfd, state.pid, SIGKILL);
    try {
      const Shield shield; // std::logic_error where there is no hub
      wait();
    } catch (...) {
      state.status = collect(state.pidfd, state.pid, 0);
    }
  }
  state_.reset();
}

Process::State& Process::checked(const char* what) const {
  if (state_ == nullptr)
    throw std::logic_error(std::string("grove: ") + what + ": the object was moved from");
  state_->home(what);
  if (state_->owner != getpid())
    throw std::logic_error(std::string("grove: ") + what + ": '" + state_->name +
                           "' is a child of the process that forked this one");
  return *state_;
}

pid_t Process::pid() const { return checked("Process.pid").pid; }

std::optional<ExitStatus> Process::poll() {
  State& state = checked("Process.poll");
  state.see_end();
  return state.status;
}

namespace {
// One who waits in line for the end.
struct InLine {
  Process::State& state;
  detail::Waiter waiter;
  InLine(Process::State& of, ExitStatus& status) : state(of), waiter(&status) {
    state.waiters.push_back(waiter);
    state.look();
  }
  InLine(const InLine&) = delete;
  InLine& operator=(const InLine&) = delete;
  ~InLine() {
    waiter.unlink();
    if (state.waiters.empty())
      state.stop_looking();
  }
};
} // namespace

ExitStatus Process::wait(Deadline deadline) {
  State& state = checked("Process.wait");
  const std::shared_ptr<State> kept = state_;
  detail::check_interrupts();
  if (state.see_end())
    return *state.status;
  ExitStatus status;
  InLine me(state, status);
  if (state.status)
    return *state.status;
  if (detail::park_until("Process.wait", deadline) == detail::Wake::timeout) {
    throw ProcessTimeout("Process.wait: '" + state.name + "' has not ended in time", state.output,
                         state.error_output);
  }
  if (me.waiter.broken)
    throw Closed("Process.wait: the process was detached");
  return status;
}

bool Process::kill(int signal) {
  State& state = checked("Process.kill");
  // While it is not collected its number is nobody else's. Who ignores SIGCHLD has children that
  // are collected at once: there a pidfd is needed to be sure, or this look.
  if (state.status || (state.pidfd < 0 && state.see_end()))
    return false;
  if (send_signal(state.pidfd, state.pid, signal) == 0)
    return true;
  if (errno == ESRCH)
    return false;
  throw std::system_error(errno, std::system_category(),
                          "grove: Process.kill: signal " + std::to_string(signal) + " to '" +
                              state.name + "'");
}

bool Process::kill_group(int signal) {
  State& state = checked("Process.kill_group");
  if (!state.leads_group)
    throw std::logic_error("grove: Process.kill_group: '" + state.name +
                           "' is in the group of its parent; start it with new_group");
  if (state.status)
    return false;
  if (::kill(-state.pid, signal) == 0)
    return true;
  if (errno == ESRCH)
    return false;
  throw std::system_error(errno, std::system_category(),
                          "grove: Process.kill_group: signal " + std::to_string(signal) + " to '" +
                              state.name + "'");
}

void Process::detach() {
  State& state = checked("Process.detach");
  if (!state.see_end()) {
    // It may outlive this hub: a thread of its own waits for it, and hears no signals.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      std::thread([pid = state.pid] { collect(-1, pid, 0); }).detach();
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  state.gone = true;
  state.talkers.break_all();
  state.waiters.break_all();
  state_.reset();
}

namespace {
template <class End>
End& pipe_of(std::optional<End>& end, const char* what, const char* option) {
  if (!end)
    throw std::logic_error(std::string("grove: ") + what + ": it is no pipe; start it with ." +
                           option + " = Stdio::pipe()");
  return *end;
}
} // namespace

PipeWriter& Process::in() { return pipe_of(checked("Process.in").in, "Process.in", "in"); }
PipeReader& Process::out() { return pipe_of(checked("Process.out").out, "Process.out", "out"); }
PipeReader& Process::err() { return pipe_of(checked("Process.err").err, "Process.err", "err"); }

// -- ExitedOp ------------------------------------------------------------------------------------

Process::ExitedOp::ExitedOp(std::shared_ptr<State> state) : state_(std::move(state)) {
  if (state_ == nullptr)
    throw std::logic_error("grove: Process.exited_op: the object was moved from");
  waiter_.item = &status_;
}
bool Process::ExitedOp::ready() { return state_->see_end(); }
void Process::ExitedOp::arm() {
  state_->waiters.push_back(waiter_);
  state_->look();
}
void Process::ExitedOp::disarm() {
  waiter_.unlink();
  if (state_->waiters.empty())
    state_->stop_looking();
}
ExitStatus Process::ExitedOp::take() {
  if (waiter_.broken)
    throw Closed("wait_any: the process was detached");
  return waiter_.granted ? status_ : *state_->status;
}

} // namespace grove
