// SPDX-License-Identifier: MIT
// Two sockets in which one soon has to wait.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {

// A PUSH and a PULL that hold very little, so that sending soon has to wait.
class WaitingTest : public test::HubTest {
protected:
  Context context;
  Socket pull{context, SocketType::pull};
  Socket push{context, SocketType::push};

  void SetUp() override {
    HubTest::SetUp();
    pull.set(option::rcvhwm, 1);
    push.set(option::sndhwm, 1);
    push.connect(pull.bind("inproc://here"));
  }
  // Returns how many messages ("0", "1", …) it took.
  int fill() {
    int count = 0;
    while (push.try_send(std::to_string(count)))
      ++count;
    return count;
  }
  void drain(int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(pull.recv(std::chrono::seconds(0)).text(), std::to_string(i));
  }
};

} // namespace grove::zmq
