// SPDX-License-Identifier: MIT
// Two pipes as a stream.
#include <grove/net/pipe_stream.hpp>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove::net {

PipeStream::PipeStream(PipeReader in, PipeWriter out, std::string name)
    : in_(std::move(in)), out_(std::move(out)), name_(std::move(name)) {
  if (!in_.is_open() || !out_.is_open())
    throw std::logic_error("grove: PipeStream: a pipe that is closed");
  if (name_.empty()) {
    name_ =
        "pipe " + std::to_string(in_.descriptor()) + " and " + std::to_string(out_.descriptor());
  }
}

std::size_t PipeStream::read_some(std::span<char> into, Deadline deadline) {
  return in_.read(into, deadline);
}

bool PipeStream::wait_to_read(Deadline deadline) {
  grove::detail::check_interrupts();
  if (in_.readable_op().ready()) // Closed
    return true;
  try {
    return grove::wait_readable(in_.descriptor(), deadline);
  } catch (const std::system_error& error) {
    if (error.code().value() == ECANCELED)
      throw Closed("wait_readable " + name_ + ": the pipe was closed");
    throw;
  }
}

std::size_t PipeStream::write_some(std::span<const std::string_view> parts, Deadline deadline) {
  for (const std::string_view part : parts) {
    if (!part.empty())
      return out_.write_some(part, deadline);
  }
  return out_.write_some({}, deadline);
}

void PipeStream::shutdown_write(Deadline) { out_.close(); }

void PipeStream::close() noexcept {
  for (PipeEnd* end : {static_cast<PipeEnd*>(&in_), static_cast<PipeEnd*>(&out_)}) {
    try {
      end->close();
    } catch (const std::system_error&) { // closed behind our back
    }
  }
}

} // namespace grove::net
