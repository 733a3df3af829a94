// SPDX-License-Identifier: MIT
// What a Socket and whoever waits in it share: libzmq's handle under the protocol of edge.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <grove/hub/detail/timer.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/watch.hpp>
#include <grove/zmq/message.hpp>
#include <grove/zmq/socket.hpp>

#include "context_state.hpp"
#include "edge.hpp"
#include "gather.hpp"
#include "transfer.hpp"

namespace grove::zmq::detail {

enum class Patience : std::uint8_t { wait, never };

struct SocketState final : Port, std::enable_shared_from_this<SocketState> {
  struct Reminder : grove::detail::Timer {
    SocketState* owner = nullptr;
  };

  grove::detail::HomeCheck home;
  std::shared_ptr<ContextState> context;
  ContextState::Entry entry; // in the context's list, until closed
  void* handle = nullptr;    // null once closed, which libzmq answers with ENOTSOCK
  const SocketType type;
  const unsigned made_under = forks;
  bool public_bind = false;
  std::array<std::int64_t, 2> timeouts{-1, -1}; // rcvtimeo, sndtimeo, in ms
  Edge edge{*this};
  std::uint64_t sent = 0, received = 0, dropped = 0, bad = 0;
  std::uint64_t monitor = 0; // the number of the last Monitor that was made for it
  grove::detail::Watch readiness;
  Reminder reminder;
  std::array<Gather, 2> gathers; // by direction

  SocketState(std::shared_ptr<ContextState> state, SocketType t);
  ~SocketState() { close(); }
  SocketState(const SocketState&) = delete;
  SocketState& operator=(const SocketState&) = delete;

  // std::logic_error on another hub, in checked builds, and in a forked child.
  void check(const char* what) const {
    home(what);
    if (of_the_parent()) [[unlikely]]
      throw_of_the_parent(what);
  }
  bool of_the_parent() const noexcept { return made_under != forks; }
  void close() noexcept;

  unsigned events() noexcept override;
  void watch(bool on) noexcept override;
  void remind(std::chrono::nanoseconds after) noexcept override;
  std::chrono::nanoseconds pause(Direction d) noexcept override;

  // "recv on PULL tcp://127.0.0.1:5555".
  std::string on(const char* what) const;
  // Throws what libzmq's answer to sending or receiving means.
  [[noreturn]] void fail_transfer(int error, const char* what) const;
  [[noreturn]] void fail_parts(std::size_t count) const; // to recv()

  bool send(std::span<Message> parts, Patience patience, const Deadline* deadline);
  bool try_recv_one(Message& message);
  bool recv_all(Multipart& parts, Patience patience, const Deadline* deadline);

  // Messages of one part, which mostly go or are there at once: one call into libzmq, and no more
  // than that must be looked at. Whatever else it comes to is for the ..._slowly().
  void send_one(Message& message, const Deadline* deadline) {
    int size = -1;
    Outcome first = Outcome::busy;
    if (!is_addressed(type)) {
      first = at_once(Direction::send, size,
                      [&]() noexcept { return zmq_msg_send(raw(message), handle, ZMQ_DONTWAIT); });
    }
    if (size < 0) [[unlikely]]
      return send_slowly(message, deadline, first);
    ++sent;
  }
  // The same for a few bytes, which libzmq copies without a message of ours.
  void send_few(std::span<const std::byte> content) {
    int size = -1;
    Outcome first = Outcome::busy;
    if (!is_addressed(type)) {
      first = at_once(Direction::send, size, [&]() noexcept {
        return zmq_send(handle, content.data(), content.size(), ZMQ_DONTWAIT);
      });
    }
    if (size < 0) [[unlikely]] {
      Message message(content);
      return send_slowly(message, nullptr, first);
    }
    ++sent;
  }
  void recv_one(Message& message, const Deadline* deadline) {
    int size = -1;
    const Outcome first = at_once(Direction::receive, size, [&]() noexcept {
      return zmq_msg_recv(raw(message), handle, ZMQ_DONTWAIT);
    });
    if (size < 0 || has_more(message)) [[unlikely]]
      return recv_slowly(message, deadline, first);
    ++received;
  }

private:
  // The first attempt: `call` into libzmq if it may be made, and what it returned. An error other
  // than "again" counts as not tried: it comes once more where it is told.
  template <class F>
  Outcome at_once(Direction direction, int& result, F call) {
    grove::detail::check_interrupts();
    auto attempt = [&]() noexcept {
      result = call();
      return result < 0 && zmq_errno() == EAGAIN ? Attempt::again : Attempt::done;
    };
    const Outcome first = edge.first(direction, attempt);
    return first == Outcome::done && result < 0 ? Outcome::busy : first;
  }
  void send_slowly(Message& message, const Deadline* deadline, Outcome first);
  void recv_slowly(Message& message, const Deadline* deadline, Outcome first);
  // After the last attempt: counts, or throws.
  void finish(const Sending& sending);
  void finish(const Receiving& receiving);

  // The operation, under the protocol. False if it must not wait and would have to. The state may
  // be gone after an exception; not after a return, since then the last attempt found it open.
  template <class F>
  bool run(Direction direction, const char* what, Patience patience, const Deadline* deadline,
           F& attempt) {
    if (patience == Patience::never) {
      hear_of_the_end();
      return edge.try_once(direction, attempt) == Outcome::done;
    }
    grove::detail::check_interrupts();
    const Outcome first = edge.first(direction, attempt);
    if (first != Outcome::done) [[unlikely]]
      complete(direction, what, deadline, attempt, first);
    return true;
  }
  void complete(Direction direction, const char* what, const Deadline* deadline, AttemptRef attempt,
                Outcome first);
  Deadline limit(Direction direction, const Deadline* deadline) const;
  // Has libzmq notice that the context was shut down; not on the way of a message that goes at
  // once.
  void hear_of_the_end() noexcept;
};

} // namespace grove::zmq::detail
