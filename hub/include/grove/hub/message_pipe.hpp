// SPDX-License-Identifier: MIT
// MessagePipe: whole messages, both ways, between two processes or within one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/frames.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

// One end of a two-way pipe for messages: strings of any bytes, kept whole and in order (a Unix
// stream socket, four bytes of length before each). To share one with a child, pass its descriptor
// and close it here, so that each side sees the other's end:
//
//   auto [here, there] = MessagePipe::pair();
//   Process child({"worker", std::to_string(there.descriptor())}, {.pass = {there.descriptor()}});
//   there.close();                                     // in the worker:
//   here.send("hello");                                // auto pipe =
//   MessagePipe::from_descriptor(n);
//
// Hub-local; movable; close-on-exec. Senders, and receivers, are served first come, first served;
// its calls are suspension points. Closing or destroying it wakes who waits with Closed.
class MessagePipe {
public:
  static constexpr std::size_t default_limit = 16 << 20; // bytes of one message

  // Two ends that are connected. std::system_error if there is no descriptor left.
  static std::pair<MessagePipe, MessagePipe> pair(std::size_t limit = default_limit);
  // Takes over an end that was passed to this process. std::system_error if it is not open, or no
  // stream socket (ENOTSOCK).
  static MessagePipe from_descriptor(int fd, std::size_t limit = default_limit);

  MessagePipe(MessagePipe&&) noexcept = default;
  MessagePipe& operator=(MessagePipe&& other) noexcept;
  ~MessagePipe() { close(); }

  // Returns once all of it is on its way. TimeoutError if the deadline came before its first byte:
  // then nothing is sent. Once begun, a message is sent whole, by the loop if the sender is killed
  // or its deadline passes meanwhile (the call then returns), for as long as the pipe is open.
  // std::invalid_argument above the limit; std::system_error EPIPE when the other side is gone. An
  // error in the midst of a message ends all sending, as the other side would take what comes next
  // for the rest: this call, if it still waits, and every later one has that error.
  void send(std::string_view message, Deadline deadline = {});

  // The next message; nothing at the end, when the other side has closed or died. TimeoutError.
  // MessageError for one above the limit, or cut short; from then on always.
  std::optional<std::string> receive(Deadline deadline = {});
  // Never waits: nothing if there is no whole message yet (or ever: at the end).
  std::optional<std::string> try_receive();

  bool is_open() const { return descriptor() >= 0; }
  int descriptor() const; // -1 once closed
  // What has not been sent is dropped. A second time: nothing.
  void close() noexcept;

  struct State;
  // For wait_any(): gives what receive() gives.
  class ReceiveOp : public detail::Operation {
  public:
    using Result = std::optional<std::string>;
    explicit ReceiveOp(std::shared_ptr<State> state);
    bool ready();
    void arm();
    void disarm();
    std::optional<std::string> take();
    static constexpr const char* name = "wait_any(MessagePipe.receive)";

  private:
    std::shared_ptr<State> state_;
    std::optional<std::string> message_;
  };
  [[nodiscard]] ReceiveOp receive_op();

private:
  MessagePipe(int fd, std::size_t limit);
  std::shared_ptr<State> open_state(const char* what) const;
  std::shared_ptr<State> state_;
};

} // namespace grove
