// SPDX-License-Identifier: MIT
// What tests of signals ask of the process.
#pragma once

#include <csignal>

#include <gtest/gtest.h>

#include <grove/hub/greenlet.hpp>

#include "hub_test.hpp"

namespace grove::test {

inline struct sigaction disposition_of(int signal) {
  struct sigaction present {};
  EXPECT_EQ(sigaction(signal, nullptr, &present), 0);
  return present;
}
inline bool is_default(int signal) { return disposition_of(signal).sa_handler == SIG_DFL; }

// Looks at the world outside until `done`.
template <class F>
void until(F done) {
  while (!done())
    sleep(100us);
}

} // namespace grove::test
