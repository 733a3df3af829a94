// SPDX-License-Identifier: MIT
// A pipe as two Files, and the error codes of calls.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <grove/hub/file.hpp>

namespace grove::test {

// A pipe whose ends block, as those that a shell makes.
struct PipeFiles {
  int ends[2] = {-1, -1};
  std::optional<File> in;
  std::optional<File> out;
  PipeFiles() {
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    in.emplace(File::own(ends[0], "the pipe"));
    out.emplace(File::own(ends[1], "the pipe"));
  }
  void fill() const {
    const int copy = open(("/proc/self/fd/" + std::to_string(ends[1])).c_str(),
                          O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    const std::string block(4096, 'x');
    while (write(copy, block.data(), block.size()) > 0) {
    }
    close(copy);
  }
};

inline std::error_code error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

} // namespace grove::test
