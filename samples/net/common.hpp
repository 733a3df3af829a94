// SPDX-License-Identifier: MIT
// What the samples of the network share: where they listen, and lines that are seen at once.
#pragma once

#include <fmt/core.h>

#include <concepts>
#include <cstdint>
#include <cstdio>

#include <grove/hub.hpp>
#include <grove/net.hpp>

#include "../options.hpp"

namespace sample {

inline void add_port(CLI::App& app, std::uint16_t& port) {
  app.add_option("--port", port, "listen on this port of 127.0.0.1; 0: any")->capture_default_str();
}

// The whole of a main(): `run` is called when the command line is read. Ctrl-C and SIGTERM end it
// in order, as grove::main does. Who reads what it prints through a pipe sees each line at once.
template <std::invocable F>
int run(CLI::App& app, int argc, char** argv, F f) {
  return grove::main(argc, argv, [&]() -> int {
    if (const auto status = parse(app, argc, argv))
      return *status;
    std::setvbuf(stdout, nullptr, _IOLBF, 0); // NOLINT(cert-err33-c)
    return f();
  });
}

// An address of the command line: "127.0.0.1:80", "[::1]:80", "unix:/run/x.sock".
inline CLI::Option* add_address(CLI::App& app, grove::net::Address& address, const char* name,
                                const char* what_for) {
  const auto read = [&address](const CLI::results_t& words) {
    try {
      address = grove::net::Address::parse(words.front());
    } catch (const std::invalid_argument&) {
      return false;
    }
    return true;
  };
  return app.add_option(name, read, what_for)->required();
}

} // namespace sample
