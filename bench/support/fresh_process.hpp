// SPDX-License-Identifier: MIT
// Runs what is measured in memory in a child process: a hub keeps what it once took, so that a
// second run in the same process would find its pages warm, and none of them counted.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fstream>
#include <optional>
#include <type_traits>

#include <benchmark/benchmark.h>

namespace bench {

// What f returns in a child made for it, which ends with it; nothing if it threw or crashed.
template <class F>
auto in_fresh_process(F&& f) -> std::optional<std::invoke_result_t<F>> {
  using Result = std::invoke_result_t<F>;
  static_assert(std::is_trivially_copyable_v<Result>);
  int ends[2];
  if (pipe(ends) != 0)
    return std::nullopt;
  const pid_t child = fork();
  if (child == 0) {
    try {
      const Result result = f();
      if (write(ends[1], &result, sizeof result) == sizeof result)
        _exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    _exit(1);
  }
  close(ends[1]);
  Result result;
  const bool complete =
      child > 0 && read(ends[0], &result, sizeof result) == static_cast<ssize_t>(sizeof result);
  close(ends[0]);
  if (child > 0)
    waitpid(child, nullptr, 0);
  return complete ? std::optional(result) : std::nullopt;
}

// Resident bytes of this process now, and at their highest. A fresh child begins with what its
// parent held, so that the second is a program's own only where the parent held little.
inline double resident_bytes() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}
inline double peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace bench
