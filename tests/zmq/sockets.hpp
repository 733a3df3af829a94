// SPDX-License-Identifier: MIT
// What the tests of sockets have in common.
#pragma once

#include <string>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {

class SocketTest : public test::HubTest {
protected:
  Context context;
};

inline std::vector<std::string> texts(const Multipart& parts) {
  std::vector<std::string> result;
  for (const Message& part : parts)
    result.emplace_back(part.text());
  return result;
}

} // namespace grove::zmq
