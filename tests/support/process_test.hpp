// SPDX-License-Identifier: MIT
// The fixture of what is about child processes.
#pragma once

#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include <grove/hub/hub_thread.hpp>
#include <grove/hub/signal.hpp>

#include "hub_test.hpp"
#include "open_descriptors.hpp"

namespace grove::test {

inline bool has_children() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}
inline bool exists(pid_t pid) { return kill(pid, 0) == 0; }

inline int code_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::system_error& e) {
    return e.code().value();
  }
  return 0;
}

// Each way to see the end of a child.
class AnyProcessTest : public HubTest, public ::testing::WithParamInterface<bool> {
protected:
  void SetUp() override {
    HubTest::SetUp();
    if (GetParam())
      unsetenv("GROVE_PIDFD");
    else
      setenv("GROVE_PIDFD", "0", 1);
    { // what is made at first use, and kept: hubs, and a hub's way to hear of signals
      HubThread one;
      HubThread two;
      const auto listen = [] { const SignalWatch watch = on_signal(SIGCHLD, [] {}); };
      for (HubThread* hub : {&one, &two})
        hub->call(listen);
      listen();
    }
    descriptors_ = open_descriptors();
  }
  void TearDown() override {
    EXPECT_FALSE(has_children()) << "a child, or a zombie, is left";
    const auto open = open_descriptors(); // a poll set may have been renewed, by another number
    EXPECT_LE(open.size(), descriptors_.size())
        << ::testing::PrintToString(open) << " is more than "
        << ::testing::PrintToString(descriptors_);
    unsetenv("GROVE_PIDFD");
    HubTest::TearDown();
  }

private:
  std::map<int, std::string> descriptors_;
};

} // namespace grove::test
