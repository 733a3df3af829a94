// SPDX-License-Identifier: MIT
// What the samples of ZeroMQ share: where they listen, and lines that are seen at once.
#pragma once

#include <fmt/core.h>

#include <concepts>
#include <cstdio>
#include <string>

#include <grove/hub.hpp>
#include <grove/zmq.hpp>

#include "../options.hpp"

namespace sample {

inline void add_port(CLI::App& app, int& port, const char* name = "--port",
                     const char* what_for = "") {
  app.add_option(name, port, fmt::format("listen on this port of 127.0.0.1 {}; 0: any", what_for))
      ->capture_default_str()
      ->check(CLI::Range(0, 65535));
}

// Binds to that port of the loopback interface, 0 for any, and returns the endpoint it got.
inline std::string listen(grove::zmq::Socket& socket, int port) {
  return socket.bind(fmt::format("tcp://127.0.0.1:{}", port == 0 ? "*" : std::to_string(port)));
}

// The whole of a main() whose roles are subcommands: `run` is called when the command line is read.
// Ctrl-C and SIGTERM end it in order, as grove::main does. Who reads what it prints through a pipe
// sees each line at once.
template <std::invocable F>
int run_role(CLI::App& app, int argc, char** argv, F run) {
  app.require_subcommand(1);
  return grove::main(argc, argv, [&]() -> int {
    if (const auto status = parse(app, argc, argv))
      return *status;
    std::setvbuf(stdout, nullptr, _IOLBF, 0); // NOLINT(cert-err33-c)
    return run();
  });
}

} // namespace sample
