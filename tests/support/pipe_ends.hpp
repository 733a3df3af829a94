// SPDX-License-Identifier: MIT
// The two bare ends of a pipe, for tests of who waits for descriptors.
#pragma once

#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <grove/hub/descriptor.hpp>

namespace grove::test {

struct Ends {
  int read_end = -1;
  int write_end = -1;
  Ends() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
      std::abort();
    read_end = ends[0];
    write_end = ends[1];
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    close_descriptor(read_end);
    close_descriptor(write_end);
  }
  void put(char c) const { EXPECT_EQ(write(write_end, &c, 1), 1); }
  char take() const {
    char c = 0;
    return read(read_end, &c, 1) == 1 ? c : '\0';
  }
};

} // namespace grove::test
