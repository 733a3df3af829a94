// SPDX-License-Identifier: MIT
// Parts: what is left of an iovec.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <vector>

namespace grove::patch {

inline std::size_t size_of(const iovec* parts, std::size_t count) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i)
    size += parts[i].iov_len;
  return size;
}

// The caller's own, until something was taken off the front.
class Parts {
public:
  Parts(const iovec* parts, std::size_t count) : parts_(parts), count_(count) {}
  const iovec* data() const { return parts_; }
  std::size_t count() const { return count_; }
  std::size_t size() const { return size_of(parts_, count_); }

  void take(std::size_t bytes) {
    if (own_.empty() && count_ != 0)
      own_.assign(parts_, parts_ + count_);
    while (first_ < own_.size() && bytes >= own_[first_].iov_len)
      bytes -= own_[first_++].iov_len;
    if (first_ < own_.size()) {
      own_[first_].iov_base = static_cast<char*>(own_[first_].iov_base) + bytes;
      own_[first_].iov_len -= bytes;
    }
    parts_ = own_.data() + first_;
    count_ = own_.size() - first_;
  }

private:
  const iovec* parts_;
  std::size_t count_;
  std::size_t first_ = 0;
  std::vector<iovec> own_;
};

} // namespace grove::patch
