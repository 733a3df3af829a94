// SPDX-License-Identifier: MIT
// Begin, run, end and join: one iteration is one life.
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/context/detail/fcontext.hpp>

#include <grove/hub/greenlet.hpp>

#include "support/check.hpp"
#include "support/raw_switch.hpp"

namespace {

// The least that it can be: one stack, used again and again.
void spawn_raw(benchmark::State& state) {
  namespace context = boost::context::detail;
  std::vector<char> stack(bench::raw_stack_size);
  const auto body = [](context::transfer_t from) {
    ++*static_cast<std::int64_t*>(from.data);
    context::jump_fcontext(from.fctx, nullptr);
  };
  std::int64_t runs = 0;
  for (auto _ : state) {
    context::jump_fcontext(context::make_fcontext(stack.data() + stack.size(), stack.size(), body),
                           &runs);
  }
  bench::expect_equal(state, "runs", runs, static_cast<std::int64_t>(state.iterations()));
}

void spawn_grove(benchmark::State& state) {
  std::int64_t sum = 0;
  for (auto _ : state)
    sum += grove::spawn([] { return 1; }).get();
  bench::expect_equal(state, "sum", sum, static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(spawn_raw)->Name("spawn/raw")->UseRealTime();
BENCHMARK(spawn_grove)->Name("spawn/grove")->UseRealTime();

} // namespace
