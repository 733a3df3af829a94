// SPDX-License-Identifier: MIT
// Starting a child: the descriptors, the environment, posix_spawn.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <grove/hub/process.hpp>

namespace grove {

// What starting gives; see Process for what is thrown.
struct ProcessStart {
  pid_t pid = -1;
  std::optional<PipeWriter> in;
  std::optional<PipeReader> out;
  std::optional<PipeReader> err;

  ProcessStart(const std::vector<std::string>& argv, const ProcessOptions& options);

private:
  struct Plan;
  int source_of(Plan& plan, Stdio stream, int target);
};

} // namespace grove
