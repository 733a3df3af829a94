// SPDX-License-Identifier: MIT
// A Pool that handles at most ten connections, and refuses the eleventh.
#include <fmt/core.h>

#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include <grove/net.hpp>

namespace {

class SocketPool {
public:
  void add_handler(grove::net::StreamSocket& socket) {
    if (pool_.full())
      throw std::runtime_error("At maximum pool size");
    pool_.spawn([&socket] { listen(socket); });
  }
  void shutdown() { pool_.kill(); }

private:
  static void listen(grove::net::StreamSocket& socket) {
    std::array<char, 1024> buffer{};
    while (socket.recv_into(buffer) > 0) {
    }
  }

  grove::Pool pool_{10};
};

} // namespace

int main() {
  std::vector<std::pair<grove::net::StreamSocket, grove::net::StreamSocket>> connections;
  for (int i = 0; i < 11; ++i)
    connections.push_back(grove::net::socket_pair());
  SocketPool pool;
  try {
    for (auto& [mine, theirs] : connections)
      pool.add_handler(mine);
  } catch (const std::runtime_error& error) {
    fmt::print("{}\n", error.what());
  }
  pool.shutdown();
}
