// SPDX-License-Identifier: MIT
// What the tests of proxies share: sockets at both their ends.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <grove/hub.hpp>
#include <grove/zmq/proxy.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq::test {

class ProxyTest : public grove::test::HubTest {
protected:
  Context context;

  Socket bound(SocketType type, const std::string& endpoint, int hwm = 1000) {
    Socket socket(context, type);
    socket.set(option::sndhwm, hwm);
    socket.set(option::rcvhwm, hwm);
    socket.bind(endpoint);
    return socket;
  }
  Socket connected(SocketType type, const std::string& endpoint, int hwm = 1000) {
    Socket socket(context, type);
    socket.set(option::sndhwm, hwm);
    socket.set(option::rcvhwm, hwm);
    socket.connect(endpoint);
    return socket;
  }
  // PULL to PUSH, with little room.
  std::unique_ptr<Proxy> one_way(int hwm = 1000, ProxyOptions options = {}) {
    const std::string number = std::to_string(++made_); // libzmq gives a name up only after a while
    front = "inproc://front." + number;
    back = "inproc://back." + number;
    return std::make_unique<Proxy>(bound(SocketType::pull, front, hwm),
                                   bound(SocketType::push, back, hwm), std::move(options));
  }
  std::string front, back; // where the last one_way() is
  // Gives all that can move the time to do so: the hub polls every 1024 dispatches at the latest.
  static void let_pass() { grove::test::settle(8 * 1024); }
  // Sends until the proxy, which has all the time it wants, takes no more. (try_send() may say so
  // too early: libzmq does not look whether there is room again each time.)
  static int fill(Socket& push) {
    for (int count = 0;; ++count) {
      try {
        push.send(std::to_string(count), std::chrono::milliseconds(50));
      } catch (const TimeoutError&) {
        return count;
      }
    }
  }
  static void expect_all(Socket& pull, int from, int to) {
    for (int i = from; i < to; ++i)
      ASSERT_EQ(pull.recv(std::chrono::seconds(30)).text(), std::to_string(i));
    let_pass();
    EXPECT_FALSE(pull.try_recv().has_value());
  }

private:
  int made_ = 0;
};

} // namespace grove::zmq::test
