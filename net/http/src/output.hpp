// SPDX-License-Identifier: MIT
// Output: what a connection sends, put together.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <grove/hub/greenlet.hpp>
#include <grove/net/detail/buffer.hpp>
#include <grove/net/stream.hpp>
#include <grove/net/stream_socket.hpp>

namespace grove::http::detail {

// The client went, or took too long to take an answer: nobody is left to be told.
struct Gone {};

// Answers are gathered and leave together, before the connection waits for more requests; or, when
// a handler waits while one that came before it is answered already, by a greenlet beside it.
// Throws Gone.
class Output {
public:
  Output(net::Stream& stream, std::chrono::milliseconds stall)
      : stream_(stream), socket_(dynamic_cast<net::StreamSocket*>(&stream)), stall_(stall) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  net::detail::Buffer& gathered() { return gathered_; } // leaves with the next flush
  void flush();
  // As soon as the calling greenlet waits for something.
  void flush_beside();
  // After what was gathered.
  void send(std::span<const std::string_view> parts);
  void send(std::string_view part) { send(std::span(&part, 1)); }
  // Some of so much of a file; 0 at its end. Nothing must be gathered.
  std::size_t send_file(net::StreamSocket& socket, int file, std::uint64_t offset,
                        std::size_t count);

private:
  std::size_t try_write(std::string_view data); // how much was taken at once
  void write(std::span<const std::string_view> parts);
  void await_helper();

  net::Stream& stream_;
  net::StreamSocket* socket_;       // the same, if it is one
  std::chrono::milliseconds stall_; // so long a client may take nothing
  net::detail::Buffer gathered_;
  GreenletRef<> helper_;
  bool helping_ = false; // the helper is sending
  bool failed_ = false;
};

} // namespace grove::http::detail
