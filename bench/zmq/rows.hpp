// SPDX-License-Identifier: MIT
// The rows of zmq_bench. bench/peers/libzmq and bench/peers/pyzmq_green have the same.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include <grove/zmq/message.hpp>
#include <grove/zmq/socket.hpp>

namespace bench {

struct Load {
  std::string transport; // "tcp" or "inproc"
  std::size_t size;      // of a message, at least 8 bytes
  std::int64_t count;    // how many

  std::string endpoint(const char* name) const {
    return transport == "tcp" ? "tcp://127.0.0.1:*" : std::string("inproc://") + name;
  }
};

// Each prints what its Meter says, and throws if something was lost, doubled or out of order.
void push_pull(const Load& load);
void req_rep(const Load& load); // two hubs
void one_hub(const Load& load); // req_rep on one
void pipeline(const Load& load);

// A message's number is in its first bytes.
inline void put_number(std::string& body, std::int64_t number) {
  std::memcpy(body.data(), &number, sizeof number);
}
inline void expect_number(const grove::zmq::Message& message, std::size_t size,
                          std::int64_t number) {
  std::int64_t have = -1;
  if (const auto bytes = message.bytes(); bytes.size() == size)
    std::memcpy(&have, bytes.data(), sizeof have);
  if (have != number)
    throw std::runtime_error("message " + std::to_string(number) + " is not what it should be");
}

} // namespace bench
