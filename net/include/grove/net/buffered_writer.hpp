// SPDX-License-Identifier: MIT
// BufferedWriter: small parts that leave together.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/net/detail/buffer.hpp>
#include <grove/net/stream.hpp>

namespace grove::net {

// BufferedWriter gathers what is written until there is enough of it, or until flush(). It refers
// to the stream, which must outlive it, and whose sending side is its own. Its buffer is the hub's,
// borrowed while there is something in it. Hub-local; movable while nobody waits in it; one
// greenlet at a time.
//
// What was not flushed when it is destroyed is dropped: a destructor neither waits nor fails.
//
// Calls throw what the stream's send() does. If flush() is killed or times out, nothing is lost or
// sent twice: what has not left yet stays here. Nor if a write() is that had to flush: it has
// written nothing. If it is one of more bytes than the buffer holds, an unknown part of them has
// been sent: from then on every call throws Closed.
class BufferedWriter {
public:
  static constexpr std::size_t default_size = detail::buffer_size;

  // So many bytes are gathered at the most. std::invalid_argument for none.
  explicit BufferedWriter(Stream& stream, std::size_t size = default_size);

  // Takes all of it: into the buffer, which is flushed before if there is no room; or, if it is
  // more than the buffer holds, to the stream, together with what is in the buffer (writev(2)).
  void write(std::string_view data, Deadline deadline = {}) { write({&data, 1}, deadline); }
  void write(std::span<const std::string_view> parts, Deadline deadline = {});
  // Returns when all was handed to the stream.
  void flush(Deadline deadline = {});

  std::size_t buffered() const noexcept { return buffer_.size(); } // bytes not handed on yet
  Stream& stream() const noexcept { return *stream_; }

private:
  void send(std::span<const std::string_view> parts, Deadline deadline);
  void check() const;
  Stream* stream_;
  std::size_t size_;
  bool broken_ = false;
  detail::Buffer buffer_{};
};

} // namespace grove::net
