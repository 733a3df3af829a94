// SPDX-License-Identifier: MIT
// What the command line says.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

namespace glb {

struct Settings {
  std::tuple<std::string, std::uint16_t> host_port{"0.0.0.0", 5000};
  std::tuple<std::string, int, int> redis{"127.0.0.1", 6379, 0}; // host, port, database
  std::tuple<int, int> port_range{50000, 61000};                 // both included
};

} // namespace glb
