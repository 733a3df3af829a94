// SPDX-License-Identifier: MIT
// How the programs of the Savina suite are run and checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>

#include <benchmark/benchmark.h>

#include <grove/hub/hub.hpp>

namespace savina {

// Ends the run with these words unless they agree.
template <class T>
void expect_equal(const char* what, const T& have, const T& want) {
  if (have != want)
    throw std::runtime_error(std::string(what) + ": " + std::to_string(have) + ", not " +
                             std::to_string(want));
}

// One iteration is one whole run: from the first actor until all have ended. What Run() returns
// checks its result; that is not measured.
template <auto Run>
void program(benchmark::State& state) {
  const auto living = [] {
    return static_cast<std::int64_t>(grove::Hub::current().stats().living);
  };
  const std::int64_t before = living();
  try {
    for (auto _ : state) {
      const auto start = std::chrono::steady_clock::now();
      const auto check = Run();
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      state.SetIterationTime(taken.count());
      expect_equal("living actors", living(), before);
      check();
    }
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

} // namespace savina

// A row `savina/NAME`; `run` is the program.
#define SAVINA_PROGRAM(name, run)                                                                  \
  BENCHMARK(savina::program<run>)                                                                  \
      ->Name("savina/" name)                                                                       \
      ->UseManualTime()                                                                            \
      ->Unit(benchmark::kMillisecond)
