// SPDX-License-Identifier: MIT
// GROVE_SEED, for tests that are not to see the one they are run with.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace grove::test {

// While it lives the variable is unset, or what the test makes it.
class SeedEnvironment {
public:
  SeedEnvironment() {
    if (const char* seed = std::getenv("GROVE_SEED"))
      before_ = seed;
    unsetenv("GROVE_SEED");
  }
  SeedEnvironment(const SeedEnvironment&) = delete;
  SeedEnvironment& operator=(const SeedEnvironment&) = delete;
  ~SeedEnvironment() {
    if (before_)
      setenv("GROVE_SEED", before_->c_str(), 1);
    else
      unsetenv("GROVE_SEED");
  }

private:
  std::optional<std::string> before_;
};

} // namespace grove::test
