// SPDX-License-Identifier: MIT
// switch/raw: what every ratio is held against, so that each bench binary measures its own.
#pragma once

#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/context/detail/fcontext.hpp>

namespace bench {

inline constexpr std::size_t raw_stack_size = 64 * 1024;

// Two bare contexts that jump to and fro: no queue, nothing kept, nothing returns. One iteration is
// one jump.
inline void raw_switch(benchmark::State& state) {
  namespace context = boost::context::detail;
  constexpr int round_trips = 1000;
  std::vector<char> stack(raw_stack_size);
  const auto jump_back = [](context::transfer_t from) {
    for (;;)
      from = context::jump_fcontext(from.fctx, from.data);
  };
  context::transfer_t there{
      context::make_fcontext(stack.data() + stack.size(), stack.size(), jump_back), nullptr};
  while (state.KeepRunningBatch(2 * round_trips)) {
    for (int i = 0; i < round_trips; ++i)
      there = context::jump_fcontext(there.fctx, nullptr);
  }
}

} // namespace bench
