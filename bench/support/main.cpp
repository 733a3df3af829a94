// SPDX-License-Identifier: MIT
// Google Benchmark's main(), with defaults that suit ratios: repetitions of different benchmarks
// take turns, in short pieces, so that a slow phase of the machine slows all of them alike.
#include <vector>

#include <benchmark/benchmark.h>

int main(int argc, char** argv) {
  char interleave[] = "--benchmark_enable_random_interleaving=true";
  char short_pieces[] = "--benchmark_min_time=0.1";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + 1, {interleave, short_pieces}); // what is given comes later
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data()))
    return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
