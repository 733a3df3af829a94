// SPDX-License-Identifier: MIT
// Pipe: bytes from one end to the other, within a process or between two.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/watch.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

// What the two ends of a pipe have in common: an owned descriptor, non-blocking and close-on-exec.
// Hub-local; movable. One greenlet at a time may wait on an end. Closing or destroying it wakes who
// waits with Closed.
class PipeEnd {
public:
  PipeEnd(PipeEnd&&) noexcept = default;
  PipeEnd& operator=(PipeEnd&& other) noexcept;

  bool is_open() const { return descriptor() >= 0; }
  // To look at, or to pass to a child; -1 once closed.
  int descriptor() const { return state_ == nullptr ? -1 : state_->fd; }
  // A second time: nothing.
  void close();
  // Gives the descriptor up without closing it. std::logic_error while bytes that were read wait in
  // the object (see PipeReader).
  int release();

protected:
  // Takes `fd` over, once it is sure that it is open: std::system_error.
  PipeEnd(int fd, const char* what);
  ~PipeEnd() { close_quietly(); }

  // Shared with the calls under way, which may find the object gone when they wake.
  struct State {
    int fd = -1;
    std::string read; // by a call that was interrupted: comes first in the next one
  };
  std::shared_ptr<State> open_state(const char* what) const; // Closed if it is not open
  void close_quietly() noexcept;

  detail::HomeCheck home_;
  std::shared_ptr<State> state_;
};

// The end that is read from. Its calls are suspension points; std::system_error if reading fails.
// What a killed or timed out call has already read is kept, and given by the next.
class PipeReader : public PipeEnd {
public:
  // A descriptor of any kind that can be read; its open file becomes non-blocking.
  explicit PipeReader(int fd) : PipeEnd(fd, "PipeReader") {}

  // Waits for at least one byte; reads what is there, up to to.size(). 0 at the end (or into an
  // empty span). TimeoutError if the deadline came first.
  std::size_t read(std::span<char> to, Deadline deadline = {});
  // Exactly that many; std::invalid_argument if no string is so long. Closed if the pipe ends
  // before; TimeoutError.
  std::string read_exactly(std::size_t count, Deadline deadline = {});
  // The next line without its '\n'; nothing at the end. The last line may lack the '\n'.
  // TimeoutError; std::length_error, and nothing is taken, for a line of more bytes than the limit.
  std::optional<std::string> read_line(Deadline deadline = {},
                                       std::size_t limit = std::string::npos);
  // All up to the end. TimeoutError.
  std::string read_all(Deadline deadline = {});
  // Never waits: nothing if read() would.
  std::optional<std::size_t> try_read(std::span<char> to);

  // For wait_any(): there is something to read, or the end. Takes nothing.
  class ReadableOp : public detail::Operation {
  public:
    using Result = void;
    explicit ReadableOp(PipeReader& reader);
    bool ready() const;
    void arm() { watch_.start(); }
    void disarm() { watch_.stop(); }
    void take() {}
    static constexpr const char* name = "wait_any(PipeReader)";

  private:
    std::shared_ptr<State> state_;
    detail::Watch watch_;
  };
  // The pipe must stay open while the operation lives.
  [[nodiscard]] ReadableOp readable_op() { return ReadableOp(*this); }
};

// The end that is written to. Its calls are suspension points. When nobody can read any more they
// throw std::system_error EPIPE; SIGPIPE is never raised: it is blocked for the thread during each
// write, and taken back if it came.
class PipeWriter : public PipeEnd {
public:
  explicit PipeWriter(int fd) : PipeEnd(fd, "PipeWriter") {}

  // Waits until all is written. TimeoutError if the deadline, one for all of it, came first: some
  // of it may have been written then, as after a kill.
  void write_all(std::string_view bytes, Deadline deadline = {});
  // Waits until some of it is written; how much. TimeoutError.
  std::size_t write_some(std::string_view bytes, Deadline deadline = {});
  // Never waits: nothing if write_some() would.
  std::optional<std::size_t> try_write(std::string_view bytes);
};

// Both ends of a new pipe. std::system_error if there is no descriptor left.
struct Pipe {
  Pipe();
  PipeReader reader;
  PipeWriter writer;

private:
  struct Ends;
  explicit Pipe(Ends&& ends);
};

} // namespace grove
