// SPDX-License-Identifier: MIT
#include "support/raw_switch.hpp"

BENCHMARK(bench::raw_switch)->Name("switch/raw")->UseRealTime();
