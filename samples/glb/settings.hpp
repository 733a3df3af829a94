// SPDX-License-Identifier: MIT
// What the command line says.
#pragma once

#include <cstdint>
#include <string>

namespace glb {

struct Settings {
  std::string host = "0.0.0.0";
  std::uint16_t port = 5000;
  std::string redis_host = "127.0.0.1";
  int redis_port = 6379;
  int redis_database = 0;
  int first_port = 50000; // that is handed out
  int last_port = 61000;
};

} // namespace glb
