// SPDX-License-Identifier: MIT
// Tests of whole programs: each in a process of its own, under grove::main().
#pragma once

#include <cstdlib>
#include <utility>

#include <gtest/gtest.h>

#include <grove/hub/main.hpp>

#include "hub_test.hpp"

namespace grove::test {

class ProgramTest : public ::testing::Test {
protected:
  void SetUp() override { in_fresh_processes(); }

  // Runs f as the whole of a main() and exits with what it gives.
  template <class F>
  [[noreturn]] static void run(F f) {
    static char name[] = "program";
    static char* argv[] = {name, nullptr};
    std::exit(main(1, argv, std::move(f)));
  }
};

} // namespace grove::test
