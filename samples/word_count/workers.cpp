// SPDX-License-Identifier: MIT
// How workers are started, watched and ended.
#include "workers.hpp"

#include <fmt/core.h>

#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace word_count {

namespace {

// The hidden command line: --worker PARENT WORDS CHUNKS TALLIES TABLE
constexpr std::string_view worker_role = "--worker";

void fail(const grove::AsyncResult<void>& result, const std::string& why) {
  result.set_exception(std::make_exception_ptr(std::runtime_error(why)));
}

std::string describe_end(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED)
    return fmt::format("ended with status {}", info.si_status);
  return fmt::format("was killed by signal {} ({})", info.si_status, ::strsignal(info.si_status));
}

} // namespace

// -- threads --------------------------------------------------------------------------------------

WorkerThread::WorkerThread(const std::string& name, const Job& job,
                           const grove::AsyncResult<void>& failed)
    : thread_(name) {
  thread_.hub().post([=] {
    try {
      work(job);
    } catch (const std::exception& error) {
      fail(failed, fmt::format("{}: {}", name, error.what()));
    }
  });
}

// -- processes ------------------------------------------------------------------------------------

WorkerProcess::WorkerProcess(const std::string& name, const Job& job,
                             const grove::AsyncResult<void>& failed) {
  std::array<std::string, 7> words{
      "word_count", std::string(worker_role), std::to_string(::getpid()), job.words, job.chunks,
      job.tallies,  std::to_string(job.table)};
  std::array<char*, words.size() + 1> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i)
    arguments[i] = words[i].data();

  // A process group of its own: a Ctrl-C at the terminal is for us, and we end the workers.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int error =
      ::posix_spawn(&pid_, "/proc/self/exe", nullptr, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0)
    throw std::system_error(error, std::generic_category(), "cannot start " + name);

  ended_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (ended_ < 0) {
    const int reason = errno;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    throw std::system_error(reason, std::generic_category(), "cannot watch " + name);
  }
  watcher_ = grove::spawn([name, failed, pid = pid_, ended = ended_] {
    grove::wait_readable(ended);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
    fail(failed, fmt::format("{} (process {}) {}", name, pid, describe_end(info)));
  });
}

WorkerProcess::~WorkerProcess() {
  const grove::Shield shield;
  watcher_.kill();
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  grove::close_descriptor(ended_);
}

std::optional<int> WorkerProcess::run_if_asked(int argc, char** argv) {
  if (argc != 7 || argv[1] != worker_role)
    return std::nullopt;
  // Whatever becomes of the parent, this process does not outlive it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (std::to_string(::getppid()) != argv[2])
    return 1; // it is gone already
  try {
    work({.words = argv[3], .chunks = argv[4], .tallies = argv[5], .table = std::stoul(argv[6])});
  } catch (const std::exception& error) {
    fmt::print(stderr, "word_count: worker: {}\n", error.what());
  }
  return 1;
}

} // namespace word_count
