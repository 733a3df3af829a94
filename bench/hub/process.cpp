// SPDX-License-Identifier: MIT
// A child process: started and waited for.
#include <cstdint>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include <grove/hub/process.hpp>

#include "support/check.hpp"

namespace {

// The least that it can be: no descriptor closed, no mask set, the thread blocked.
void process_raw(benchmark::State& state) {
  std::int64_t succeeded = 0;
  for (auto _ : state) {
    char name[] = "/bin/true";
    char* argv[] = {name, nullptr};
    pid_t pid = -1;
    int status = -1;
    if (posix_spawn(&pid, name, nullptr, nullptr, argv, environ) == 0 &&
        waitpid(pid, &status, 0) == pid && status == 0)
      ++succeeded;
  }
  bench::expect_equal(state, "children", succeeded, static_cast<std::int64_t>(state.iterations()));
}

void process_spawn(benchmark::State& state) {
  std::int64_t succeeded = 0;
  for (auto _ : state)
    succeeded += grove::Process({"/bin/true"}).wait().success() ? 1 : 0;
  bench::expect_equal(state, "children", succeeded, static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(process_raw)->Name("process/raw")->UseRealTime()->Iterations(1000);
BENCHMARK(process_spawn)->Name("process/spawn")->UseRealTime()->Iterations(1000);

} // namespace
