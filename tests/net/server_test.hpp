// SPDX-License-Identifier: MIT
// What the tests of servers share: each way to spawn, and clients.
#pragma once

#include <array>
#include <string>
#include <system_error>
#include <utility>

#include <gtest/gtest.h>

#include <grove/hub/pool.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/stream_server.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {

// Longer than anything here takes: a bound against hangs.
inline constexpr auto hang = std::chrono::seconds(20);

enum class Way { greenlets, bounded, pool, none };

inline std::string name_of_way(const ::testing::TestParamInfo<Way>& info) {
  constexpr std::array names{"greenlets", "bounded", "pool", "none"};
  return names.at(static_cast<std::size_t>(info.param));
}

// A server by each spawn policy.
class AnySpawnTest : public HubTest, public ::testing::WithParamInterface<Way> {
protected:
  net::StreamServerOptions options() {
    net::StreamServerOptions options;
    if (GetParam() == Way::bounded)
      options.max_connections = 2;
    if (GetParam() == Way::pool)
      options.spawn = pool_;
    if (GetParam() == Way::none)
      options.spawn = net::SpawnPolicy::none();
    return options;
  }
  Pool pool_{2};
};

// What comes until the end.
inline std::string read_all(net::Stream& stream) {
  std::string all;
  std::string some;
  while (!(some = stream.recv(4096, hang)).empty())
    all += some;
  return all;
}
// The same, from a new connection that sends nothing.
inline std::string read_all(const net::Address& address) {
  net::StreamSocket client = net::connect(address, hang);
  return read_all(client);
}

inline std::string exchange(net::Stream& stream, std::string_view text) {
  stream.send_all(text, hang);
  return stream.recv_exactly(text.size(), hang);
}

// Whatever comes, back.
inline void echo(net::StreamSocket& socket) {
  std::array<char, 1024> buffer{};
  while (const std::size_t n = socket.recv_into(buffer))
    socket.send_all(std::string_view(buffer.data(), n));
}

// The code of the error that connecting gives; none if it works.
inline std::error_code refusal(const net::Address& address) {
  try {
    net::connect(address, hang);
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

} // namespace grove::test
