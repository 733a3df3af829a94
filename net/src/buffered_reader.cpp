// SPDX-License-Identifier: MIT
// Reading parts of a stream.
#include <grove/net/buffered_reader.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove::net {

namespace {

constexpr std::size_t least_room = 4 * 1024;  // what it is worth to ask the kernel for
constexpr std::size_t direct_size = 8 * 1024; // from so much on without the buffer

[[noreturn]] void throw_too_long(const char* what, const Stream& stream, std::size_t limit) {
  throw std::length_error(std::string("BufferedReader.") + what + " of " + stream.name() +
                          ": more than " + std::to_string(limit) + " bytes");
}
[[noreturn]] void throw_ended(const char* what, const Stream& stream, const std::string& after) {
  throw Closed(std::string("BufferedReader.") + what + ": " + stream.name() + " ended after " +
               after);
}

} // namespace

// Waits for more bytes; false at the end. Without a buffer, as long as there is nothing. The first
// time that a call does so it takes what is there also if it comes late.
bool BufferedReader::fill(std::size_t room, Deadline deadline, bool again) {
  if ((again && deadline.has_passed()) || // of a peer that never pauses
      (buffer_.empty() && !stream_->wait_readable(deadline))) {
    throw TimeoutError("receive from " + stream_->name() + ": the deadline came first");
  }
  std::size_t count = 0;
  try {
    count = stream_->recv_into(buffer_.room(room), deadline);
  } catch (...) {
    if (buffer_.empty())
      buffer_.release();
    throw;
  }
  buffer_.added(count);
  if (buffer_.empty())
    buffer_.release();
  return count > 0;
}

std::string BufferedReader::take(std::size_t count, std::size_t drop) {
  std::string taken(buffer_.view().substr(0, count));
  skip(count + drop);
  return taken;
}

void BufferedReader::skip(std::size_t count) {
  if (count > buffer_.size()) {
    throw std::logic_error("grove: BufferedReader.skip: " + std::to_string(count) + " bytes of " +
                           std::to_string(buffer_.size()));
  }
  buffer_.drop(count);
  if (buffer_.empty())
    buffer_.release();
}

std::size_t BufferedReader::read(std::span<char> into, Deadline deadline) {
  grove::detail::check_interrupts();
  if (into.empty())
    return 0;
  if (buffer_.empty()) {
    if (into.size() >= direct_size)
      return stream_->recv_into(into, deadline);
    if (!fill(least_room, deadline, false))
      return 0;
  }
  const std::size_t count = std::min(into.size(), buffer_.size());
  std::memcpy(into.data(), buffer_.view().data(), count);
  skip(count);
  return count;
}

void BufferedReader::read_exactly(std::span<char> into, Deadline deadline) {
  grove::detail::check_interrupts();
  if (into.empty())
    return;
  if (into.size() < direct_size) {
    for (bool again = false; buffer_.size() < into.size(); again = true) {
      if (!fill(least_room, deadline, again)) {
        throw_ended("read_exactly", *stream_,
                    std::to_string(buffer_.size()) + " of " + std::to_string(into.size()) +
                        " bytes");
      }
    }
    std::memcpy(into.data(), buffer_.view().data(), into.size());
    skip(into.size());
    return;
  }
  // What the stream has taken when it is interrupted it keeps, and what is here stays here.
  const std::size_t held = std::min(buffer_.size(), into.size());
  if (held > 0)
    std::memcpy(into.data(), buffer_.view().data(), held);
  stream_->recv_exactly(into.subspan(held), deadline);
  skip(held);
}

std::string BufferedReader::read_exactly(std::size_t count, Deadline deadline) {
  std::string result(count, '\0');
  read_exactly(std::span(result), deadline);
  return result;
}

std::string BufferedReader::read_until(std::string_view delimiter, std::size_t limit,
                                       Deadline deadline) {
  if (delimiter.empty())
    throw std::invalid_argument("grove: BufferedReader.read_until: an empty delimiter");
  grove::detail::check_interrupts();
  std::size_t seen = 0;
  for (bool again = false;; again = true) {
    const std::string_view held = buffer_.view();
    const std::size_t at = held.find(delimiter, seen);
    if (at != std::string_view::npos && at <= limit)
      return take(at, delimiter.size());
    // It may begin in what is here, and end in what is not.
    const std::size_t begins = held.size() - std::min(held.size(), delimiter.size() - 1);
    if (at != std::string_view::npos || begins > limit)
      throw_too_long("read_until", *stream_, limit);
    seen = begins;
    if (!fill(least_room, deadline, again)) {
      throw_ended("read_until", *stream_,
                  std::to_string(buffer_.size()) + " bytes, before the delimiter");
    }
  }
}

std::optional<std::string> BufferedReader::read_line(std::size_t limit, Deadline deadline) {
  grove::detail::check_interrupts();
  std::size_t seen = 0;
  for (bool again = false;; again = true) {
    const std::string_view held = buffer_.view();
    const std::size_t at = held.find('\n', seen);
    const bool whole = at != std::string_view::npos;
    const std::size_t end = whole ? at : held.size();
    const std::size_t marks = end > 0 && held[end - 1] == '\r' ? 1 : 0; // perhaps of the line's end
    if (end - marks > limit)
      throw_too_long("read_line", *stream_, limit);
    if (whole)
      return take(end - marks, marks + 1);
    seen = held.size();
    if (!fill(least_room, deadline, again)) {
      if (buffer_.empty())
        return std::nullopt;
      if (buffer_.size() > limit) // what seemed to be half of "\r\n"
        throw_too_long("read_line", *stream_, limit);
      return take(buffer_.size(), 0);
    }
  }
}

std::string_view BufferedReader::peek(std::size_t at_least, Deadline deadline) {
  grove::detail::check_interrupts();
  for (bool again = false; buffer_.size() < at_least; again = true) {
    if (!fill(std::max(least_room, at_least - buffer_.size()), deadline, again))
      break;
  }
  return buffer_.view();
}

} // namespace grove::net
