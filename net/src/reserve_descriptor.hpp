// SPDX-License-Identifier: MIT
// ReserveDescriptor: one descriptor kept back, for when there are no more.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace grove::net::detail {

class ReserveDescriptor {
public:
  ReserveDescriptor() = default;
  ReserveDescriptor(const ReserveDescriptor&) = delete;
  ReserveDescriptor& operator=(const ReserveDescriptor&) = delete;
  ~ReserveDescriptor() { give(); }

  void take() noexcept {
    if (descriptor_ < 0)
      descriptor_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  // Now somebody else may open one. False if there was none.
  bool give() noexcept {
    if (descriptor_ < 0)
      return false;
    close(descriptor_);
    descriptor_ = -1;
    return true;
  }

private:
  int descriptor_ = -1;
};

} // namespace grove::net::detail
