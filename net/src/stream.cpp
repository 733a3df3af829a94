// SPDX-License-Identifier: MIT
// Stream: what its calls make of reading some and writing some.
#include <grove/net/stream.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include <grove/hub/exceptions.hpp>

namespace grove::net {

namespace {

constexpr std::size_t scratch_size = 64 * 1024;

// For one read: nobody else runs between the kernel's writing and the copy.
std::span<char> scratch(std::size_t at_most) {
  static thread_local std::unique_ptr<char[]> memory; // NOLINT: not zeroed, unlike a vector
  if (memory == nullptr)
    memory.reset(new char[scratch_size]);
  return {memory.get(), std::min(at_most, scratch_size)};
}

[[noreturn]] void throw_late(const Stream& stream, const char* what) {
  throw TimeoutError(std::string(what) + " on " + stream.name() + ": the deadline came first");
}

} // namespace

std::string Stream::recv(std::size_t at_most, Deadline deadline) {
  const std::span<char> memory = scratch(at_most);
  const std::size_t count = recv_into(memory, deadline);
  return {memory.data(), count};
}

void Stream::recv_exactly(std::span<char> into, Deadline deadline) {
  std::size_t count = 0;
  try {
    do {
      if (count != 0 && deadline.has_passed()) // of a source that never pauses
        throw_late(*this, "recv_exactly");
      const std::size_t more = recv_into(into.subspan(count), deadline);
      if (more == 0 && count < into.size()) {
        throw Closed("recv_exactly on " + name() + ": the stream ended after " +
                     std::to_string(count) + " of " + std::to_string(into.size()) + " bytes");
      }
      count += more;
    } while (count < into.size());
  } catch (...) {
    keep({into.data(), count});
    throw;
  }
}

std::string Stream::recv_exactly(std::size_t count, Deadline deadline) {
  std::string result(count, '\0');
  recv_exactly(std::span(result), deadline);
  return result;
}

void Stream::send_all(std::string_view data, Deadline deadline) {
  for (;;) {
    data.remove_prefix(write_some(std::span(&data, 1), deadline));
    if (data.empty())
      return;
    if (deadline.has_passed())
      throw_late(*this, "send_all");
  }
}

// next_limit() gives the deadline of the next attempt.
template <class NextLimit>
void Stream::send_each(std::span<const std::string_view> parts, NextLimit next_limit) {
  std::array<std::string_view, 16> rest; // as many as leave together
  do {
    const std::size_t count = std::min(parts.size(), rest.size());
    std::copy_n(parts.begin(), count, rest.begin());
    parts = parts.subspan(count);
    auto* first = rest.begin();
    auto* const end = rest.begin() + count;
    do {
      std::size_t sent = write_some({first, end}, next_limit());
      while (first != end && sent >= first->size())
        sent -= (first++)->size();
      if (first == end)
        break;
      first->remove_prefix(sent);
    } while (true);
  } while (!parts.empty());
}

void Stream::send_all(std::span<const std::string_view> parts, Deadline deadline) {
  bool first = true; // which may take what goes at once, however late it is
  send_each(parts, [&] {
    if (!std::exchange(first, false) && deadline.has_passed())
      throw_late(*this, "send_all");
    return deadline;
  });
}

void Stream::send_steadily(std::span<const std::string_view> parts,
                           std::chrono::nanoseconds stall) {
  send_each(parts, [stall] { return Deadline(stall); });
}

std::size_t Stream::take_kept(std::span<char> into) {
  const std::size_t count = std::min(into.size(), kept_->size());
  std::memcpy(into.data(), kept_->data(), count);
  kept_->erase(0, count);
  if (kept_->empty())
    kept_ = nullptr;
  return count;
}

void Stream::keep(std::string_view taken) {
  if (taken.empty())
    return;
  if (kept_ == nullptr)
    kept_ = std::make_unique<std::string>(taken);
  else // the rest of what was kept before
    kept_->insert(0, taken);
}

} // namespace grove::net
