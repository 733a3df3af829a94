// SPDX-License-Identifier: MIT
// What the samples share: the command line, read by CLI11.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>

namespace sample {

// Reads the command line into what `app` knows. A value means that the program ends here, with that
// exit status: 0 after --help, 2 after a mistake (CLI11 has told which).
inline std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
}

} // namespace sample
