// SPDX-License-Identifier: MIT
// Python programs as peers of tests: Debian's, with its zmq.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <grove/hub/process.hpp>

namespace grove::test {

inline bool python_has_zmq() {
  static const bool has = [] {
    Process probe({"/usr/bin/python3", "-c", "import zmq.auth"}, {.err = Stdio::null()});
    return probe.wait().success();
  }();
  return has;
}

// Where the test cannot be made without it.
#define GROVE_NEEDS_PYTHON_ZMQ()                                                                   \
  if (!grove::test::python_has_zmq())                                                              \
  GTEST_SKIP() << "apt-get install python3-zmq"

// Runs a script while the hub goes on, and returns what it has written. A minute is a hang.
inline std::string python(const std::string& script,
                          const std::vector<std::string>& arguments = {}) {
  std::vector<std::string> argv{"/usr/bin/python3", "-c", script};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  Process child(argv, {.out = Stdio::pipe(), .err = Stdio::to_stdout()});
  ProcessOutput output = child.communicate({}, std::chrono::minutes(1));
  EXPECT_TRUE(output.status.success()) << output.out;
  return std::move(output.out);
}

} // namespace grove::test
