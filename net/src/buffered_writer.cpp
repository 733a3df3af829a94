// SPDX-License-Identifier: MIT
// Gathering what is written.
#include <grove/net/buffered_writer.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove::net {

BufferedWriter::BufferedWriter(Stream& stream, std::size_t size) : stream_(&stream), size_(size) {
  if (size == 0)
    throw std::invalid_argument("grove: BufferedWriter: a buffer for 0 bytes");
}

void BufferedWriter::check() const {
  if (broken_)
    throw Closed("BufferedWriter of " + stream_->name() + ": a write() was interrupted");
}

void BufferedWriter::write(std::span<const std::string_view> parts, Deadline deadline) {
  grove::detail::check_interrupts();
  check();
  std::size_t more = 0;
  for (const std::string_view part : parts) {
    if (part.size() > size_ - more) {
      send(parts, deadline);
      return;
    }
    more += part.size();
  }
  if (more > size_ - buffer_.size())
    flush(deadline);
  for (const std::string_view part : parts)
    buffer_.append(part);
}

void BufferedWriter::send(std::span<const std::string_view> parts, Deadline deadline) {
  std::vector<std::string_view> all;
  all.reserve(parts.size() + 1);
  all.push_back(buffer_.view());
  all.insert(all.end(), parts.begin(), parts.end());
  broken_ = true;
  stream_->send_all(all, deadline);
  broken_ = false;
  buffer_.release();
}

void BufferedWriter::flush(Deadline deadline) {
  grove::detail::check_interrupts();
  check();
  while (!buffer_.empty())
    buffer_.drop(stream_->send(buffer_.view(), deadline));
  buffer_.release();
}

} // namespace grove::net
