// SPDX-License-Identifier: MIT
// Buffers, and the blocks that lie ready for them.
#include <grove/net/detail/buffer.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <new>

namespace grove::net::detail {

namespace {

constexpr std::size_t max_spare = 64;

// Plain memory, so that a Buffer that outlives the thread's other objects still finds it.
struct Spare {
  std::array<char*, max_spare> blocks;
  std::size_t count;
  bool over; // the thread ends
};
constinit thread_local Spare spare{};

struct Cleaner {
  ~Cleaner() {
    spare.over = true;
    while (spare.count > 0)
      ::operator delete(spare.blocks[--spare.count]);
  }
};

char* take_block(std::size_t size) {
  if (size == buffer_size && spare.count > 0)
    return spare.blocks[--spare.count];
  return static_cast<char*>(::operator new(size));
}

void give_block(char* block, std::size_t size) noexcept {
  static thread_local const Cleaner cleaner;
  if (size == buffer_size && spare.count < max_spare && !spare.over)
    spare.blocks[spare.count++] = block;
  else
    ::operator delete(block);
}

} // namespace

std::size_t spare_buffers() noexcept { return spare.count; }

void Buffer::make_room(std::size_t at_least) {
  if (block_ == nullptr && at_least <= buffer_size) {
    block_ = take_block(buffer_size);
    capacity_ = buffer_size;
    return;
  }
  const std::size_t held = size();
  if (at_least > std::numeric_limits<std::size_t>::max() / 4 - held)
    throw std::bad_alloc();
  // To move no more than was dropped since the last time keeps that linear.
  if (begin_ >= held && capacity_ - held >= at_least) {
    if (held > 0)
      std::memmove(block_, block_ + begin_, held);
  } else {
    const std::size_t capacity = std::max({buffer_size, 2 * capacity_, held + at_least});
    char* block = take_block(capacity);
    if (held > 0)
      std::memcpy(block, block_ + begin_, held);
    if (block_ != nullptr)
      give_block(block_, capacity_);
    block_ = block;
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
}

void Buffer::append(std::string_view bytes) {
  if (bytes.empty())
    return;
  std::memcpy(room(bytes.size()).data(), bytes.data(), bytes.size());
  added(bytes.size());
}

void Buffer::give_back() noexcept {
  give_block(block_, capacity_);
  block_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

} // namespace grove::net::detail
