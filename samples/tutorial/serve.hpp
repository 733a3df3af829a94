// SPDX-License-Identifier: MIT
// What the lessons that are web servers share: the option --port, and the end by Ctrl-C.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include <grove/http.hpp>

#include "../options.hpp"

namespace tutorial {

// The whole of a main(): answers requests until Ctrl-C or SIGTERM.
inline int serve(grove::http::Handler handler, std::uint16_t port, const std::string& lesson,
                 int argc, char** argv) {
  return grove::main(argc, argv, [&]() -> int {
    CLI::App app{lesson};
    app.add_option("--port", port, "listen on this port of 127.0.0.1; 0: any")
        ->capture_default_str();
    if (const auto status = sample::parse(app, argc, argv))
      return *status;

    grove::http::Server server(grove::net::Address::loopback(port), std::move(handler));
    server.start();
    fmt::print("at {}\n", server.address().to_string());
    std::fflush(stdout); // NOLINT(cert-err33-c)
    server.serve_forever();
    return 0;
  });
}

} // namespace tutorial
