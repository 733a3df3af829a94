// SPDX-License-Identifier: MIT
// Buffer: bytes in memory that is borrowed from the hub while there are any. For grove::net and
// what stands on it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace grove::net::detail {

inline constexpr std::size_t buffer_size = 16 * 1024; // of what is borrowed

// Buffer holds the bytes [begin, end) of a block. The block is one of the thread's if it is of the
// usual size, and new if it is larger; release() gives it back. Hub-local.
class Buffer {
public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), capacity_(std::exchange(other.capacity_, 0)),
        begin_(std::exchange(other.begin_, 0)), end_(std::exchange(other.end_, 0)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    return *this;
  }
  ~Buffer() { release(); }

  std::string_view view() const noexcept { return {block_ + begin_, end_ - begin_}; }
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  bool has_block() const noexcept { return block_ != nullptr; }

  // Free room behind the bytes: at least so much (std::bad_alloc), which moves them if it must.
  std::span<char> room(std::size_t at_least) {
    if (capacity_ - end_ < at_least)
      make_room(at_least);
    return {block_ + end_, capacity_ - end_};
  }
  void added(std::size_t count) noexcept { end_ += count; } // were written there
  void append(std::string_view bytes);
  void drop(std::size_t count) noexcept { // from the front; moves nothing
    begin_ += count;
    if (begin_ == end_)
      begin_ = end_ = 0;
  }
  void release() noexcept { // with the bytes
    if (block_ != nullptr)
      give_back();
  }

private:
  void make_room(std::size_t at_least);
  void give_back() noexcept;

  char* block_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Blocks that lie ready in this thread; for tests and reports.
std::size_t spare_buffers() noexcept;

} // namespace grove::net::detail
