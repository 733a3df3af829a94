// SPDX-License-Identifier: MIT
// PipeStream: two pipes as one stream.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/net/stream.hpp>

namespace grove::net {

// PipeStream receives from one pipe and sends to another: those of a child,
// `PipeStream child(std::move(process.out()), std::move(process.in()), "cat")`, the process' own
// stdin and stdout, or the two ends of what is to talk to itself. It owns both. Anything else that
// can be read and written may stand in for a pipe: a terminal, a fifo. See Stream for its calls.
class PipeStream final : public Stream {
public:
  PipeStream(PipeReader in, PipeWriter out,
             std::string name = {}); // std::logic_error if one is closed

  // Closes the pipe that is written to.
  void shutdown_write(Deadline deadline = {}) override;
  void close() noexcept override;
  bool is_open() const noexcept override { return in_.is_open(); }
  std::string name() const override { return name_; } // "pipe 5 and 6" by default

private:
  std::size_t read_some(std::span<char> into, Deadline deadline) override;
  bool wait_to_read(Deadline deadline) override;
  std::size_t write_some(std::span<const std::string_view> parts, Deadline deadline) override;
  PipeReader in_;
  PipeWriter out_;
  std::string name_;
};

} // namespace grove::net
