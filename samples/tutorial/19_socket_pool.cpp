// SPDX-License-Identifier: MIT
// A Pool that handles at most ten connections, and refuses the eleventh.
#include <fmt/core.h>

#include <array>
#include <stdexcept>
#include <vector>

#include <grove/hub.hpp>

namespace {

class SocketPool {
public:
  void add_handler(grove::PipeReader& socket) {
    if (pool_.full())
      throw std::runtime_error("At maximum pool size");
    pool_.spawn([&socket] { listen(socket); });
  }
  void shutdown() { pool_.kill(); }

private:
  static void listen(grove::PipeReader& socket) {
    std::array<char, 1024> buffer{};
    while (socket.read(buffer) > 0) {
    }
  }

  grove::Pool pool_{10};
};

} // namespace

int main() {
  std::vector<grove::Pipe> connections(11);
  SocketPool pool;
  try {
    for (grove::Pipe& connection : connections)
      pool.add_handler(connection.reader);
  } catch (const std::runtime_error& error) {
    fmt::print("{}\n", error.what());
  }
  pool.shutdown();
}
