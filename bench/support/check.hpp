// SPDX-License-Identifier: MIT
// A figure counts only if the work was done.
#pragma once

#include <string>

#include <benchmark/benchmark.h>

namespace bench {

// Ends the benchmark with an error, which no table takes for a figure, unless they agree.
template <class T>
void expect_equal(benchmark::State& state, const char* what, const T& have, const T& want) {
  if (have != want) {
    state.SkipWithError(
        (std::string(what) + ": " + std::to_string(have) + ", not " + std::to_string(want))
            .c_str());
  }
}

} // namespace bench
