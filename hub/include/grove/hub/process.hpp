// SPDX-License-Identifier: MIT
// Process: a child process, its pipes, its end.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/exit_status.hpp>
#include <grove/hub/pipe.hpp>

namespace grove {

// Where one of a child's three standard streams comes from or goes to.
class Stdio {
public:
  static constexpr Stdio inherit() { return {Kind::inherit, -1}; } // the parent's
  static constexpr Stdio null() { return {Kind::null, -1}; }       // /dev/null
  static constexpr Stdio pipe() { return {Kind::pipe, -1}; } // see Process::in(), out(), err()
  // An open descriptor, which stays the caller's. Its open file is made blocking, as programs
  // expect it.
  static constexpr Stdio descriptor(int fd) { return {Kind::descriptor, fd}; }
  static constexpr Stdio to_stdout() { return {Kind::to_stdout, -1}; } // stderr only

  friend constexpr bool operator==(const Stdio&, const Stdio&) = default;

private:
  friend struct ProcessStart;
  enum class Kind : unsigned char { inherit, null, pipe, descriptor, to_stdout };
  constexpr Stdio(Kind kind, int fd) : kind_(kind), fd_(fd) {}
  Kind kind_;
  int fd_;
};

// How a child is started. It has the default signal mask and SIGPIPE, and no descriptors but the
// standard streams and those in `pass`.
struct ProcessOptions {
  Stdio in = Stdio::inherit();
  Stdio out = Stdio::inherit();
  Stdio err = Stdio::inherit();
  std::vector<int> pass{};                                 // kept open, under the same numbers
  std::map<std::string, std::optional<std::string>> env{}; // set; nothing: unset
  bool inherit_env = true;                                 // false: it has only what `env` says
  std::string cwd{};                                       // empty: the parent's
  bool new_group = false;   // leads a process group of its own: see kill_group()
  bool new_session = false; // the same, without the terminal
};

// What a child has written to its pipes (empty for what was no pipe), and how it ended.
struct ProcessOutput {
  std::string out;
  std::string err;
  ExitStatus status;
};

// A child has not ended in time. What it had written so far is in here, and stays with the Process.
class ProcessTimeout : public TimeoutError {
public:
  ProcessTimeout(const std::string& what, std::string out, std::string err)
      : TimeoutError(what), output(std::move(out)), error_output(std::move(err)) {}
  std::string output;
  std::string error_output;
};

// A child that should have succeeded has not.
class ProcessError : public std::runtime_error {
public:
  ProcessError(const std::string& what, ProcessOutput ended)
      : runtime_error(what), status(ended.status), output(std::move(ended.out)),
        error_output(std::move(ended.err)) {}
  ExitStatus status;
  std::string output;
  std::string error_output;
};

// Process starts a program and owns the child: destroying the object kills it (with its group, if
// it leads one) and waits for its end, under a shield; detach() lets it go on instead. It belongs
// to the hub that made it, and to the process: in the child of a fork() it does nothing. The calls
// that wait are suspension points; a kill, a Timeout scope or a deadline leaves the child running.
// The end is seen through a pidfd on any hub, or through SIGCHLD where the kernel has none (or
// GROVE_PIDFD=0 is in the environment), which must not be blocked then. No other children are
// waited for, ever.
class Process {
public:
  // argv[0] is looked for in PATH. std::system_error, with what could not be done, if it cannot be
  // started: ENOENT for an unknown program or cwd. std::invalid_argument for an empty argv, a NUL
  // in an argument, names of variables with '=', standard streams in `pass`.
  explicit Process(const std::vector<std::string>& argv, const ProcessOptions& options = {});
  Process(Process&&) noexcept = default;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const;

  // -- its end -------------------------------------------------------------------------------
  // Waits for the end. ProcessTimeout if the deadline came first; Closed if it is
  // detached.
  ExitStatus wait(Deadline deadline = {});
  // How it has ended, if it has. Never waits, and needs no turn of the loop.
  std::optional<ExitStatus> poll();

  // -- signals -------------------------------------------------------------------------------
  // Never sent to another process that got the same number: false once the end was seen by wait()
  // or poll().
  bool kill(int signal);
  // To all of its group. std::logic_error unless it leads one.
  bool kill_group(int signal);
  // From now on the child is on its own: it outlives the object, and its end is collected. The
  // pipes are closed.
  void detach(); // std::system_error if there is no thread for that

  // -- its pipes -----------------------------------------------------------------------------
  // std::logic_error if that stream is no pipe.
  PipeWriter& in();
  PipeReader& out();
  PipeReader& err();

  // Writes `input` to its stdin and closes that, reads stdout and stderr to their ends, all at the
  // same time, then waits for its end. ProcessTimeout if the deadline came first; one may call it
  // again then (or after a kill), without input: nothing is lost. What a child does not read of its
  // input is dropped. std::logic_error for input without a pipe to write it to.
  ProcessOutput communicate(std::string_view input = {}, Deadline deadline = {});

  // -- for wait_any() ------------------------------------------------------------------------
  struct State;
  class ExitedOp : public detail::Operation {
  public:
    using Result = ExitStatus;
    explicit ExitedOp(std::shared_ptr<State> state);
    bool ready();
    void arm();
    void disarm();
    ExitStatus take();
    static constexpr const char* name = "wait_any(Process)";

  private:
    std::shared_ptr<State> state_;
    ExitStatus status_;
  };
  [[nodiscard]] ExitedOp exited_op() { return ExitedOp(state_); }

private:
  State& checked(const char* what) const;
  void end() noexcept;
  std::shared_ptr<State> state_;
};

// The argv that has /bin/sh run a command line: `Process(shell("sleep 1; uname"))`.
std::vector<std::string> shell(std::string command_line);

// Starts it, communicates, and gives what came of it. If that is not to be (ProcessTimeout, a kill)
// the child is killed. std::invalid_argument for `input` where options.in is a null or descriptor.
ProcessOutput run(const std::vector<std::string>& argv, ProcessOptions options = {},
                  std::string_view input = {}, Deadline deadline = {});

// What it writes to its stdout. ProcessError unless it exits with 0; else as run().
std::string check_output(const std::vector<std::string>& argv, ProcessOptions options = {},
                         std::string_view input = {}, Deadline deadline = {});

} // namespace grove
