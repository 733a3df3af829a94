// SPDX-License-Identifier: MIT
// Socket: a ZeroMQ socket whose send and recv park the greenlet, not the thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <grove/hub/deadline.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/zmq/context.hpp>
#include <grove/zmq/error.hpp>
#include <grove/zmq/message.hpp>
#include <grove/zmq/operation.hpp>
#include <grove/zmq/option.hpp>
#include <grove/zmq/socket_type.hpp>
#include <grove/zmq/topic.hpp>
#include <grove/zmq/typed.hpp>

namespace grove::zmq {

namespace detail {
struct SocketState;
}

// What has happened at a socket since it was made. Messages of several parts count as one.
struct SocketStats {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t dropped = 0;           // of several parts, by recv()
  std::uint64_t bad = 0;               // received, and no value of the type that was asked for
  std::uint64_t wake_ups = 0;          // greenlets that had waited and were told to go on
  std::uint64_t spurious_wake_ups = 0; // of these, those that found nothing, and waited on
  std::uint64_t eagain = 0;            // calls into libzmq that it refused for the moment
  std::uint64_t looks = 0;             // readings of ZMQ_EVENTS
  std::uint64_t glances = 0;           // of these, by timer: see docs/zmq.md
  std::uint64_t gathers = 0;           // waits that let a stream's messages gather: likewise
};

// A Socket sends and receives whole messages, of one part or several. It belongs to the hub it was
// made on; std::logic_error elsewhere, in checked builds. Any number of greenlets may send and
// receive at the same time: each direction serves them first come, first served, and messages are
// never mixed.
//
// send and recv park the calling greenlet until the message is queued, or one is there. They throw
//   - TimeoutError when the deadline has passed (the option sndtimeo or rcvtimeo gives the deadline
//     of calls that name none; without either they wait for ever),
//   - Closed when the socket is or gets closed, or its context is shut down,
//   - std::system_error with ZeroMQ's errno, and what was tried on which socket and endpoint.
// A kill, a Timeout scope or a timeout at such a wait leaves the socket as if the call had never
// been made: nothing was received, and what was to be sent is still the caller's. What is due
// before is thrown first, also where there is nothing to wait for. A greenlet that never has to
// wait yields after every 64 operations.
//
// close(), as the destructor, wakes with Closed who waits. Messages that were sent and
// have not left yet are still delivered in the background, for `linger` (1 s by default).
//
// In the child of a fork() the parent's sockets throw std::logic_error; to close one there leaves
// the parent's as it is.
class Socket {
public:
  // -- construction --------------------------------------------------------------------------
  explicit Socket(SocketType type); // in Context::process()
  Socket(Context& context, SocketType type);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();
  void close();

  // -- properties ----------------------------------------------------------------------------
  SocketType type() const;
  bool closed() const noexcept;
  SocketStats stats() const;
  template <class T, Access A>
  requires(A != Access::write_only) T get(const Option<T, A>& option)
  const;
  template <class T, Access A>
  requires(A != Access::read_only) void set(const Option<T, A>& option,
                                            const std::type_identity_t<T>& value);
  void subscribe(std::string_view prefix) { set(option::subscribe, std::string(prefix)); }
  void unsubscribe(std::string_view prefix) { set(option::unsubscribe, std::string(prefix)); }

  // -- endpoints: tcp://HOST:PORT, ipc://PATH, inproc://NAME --------------------------------------
  // Returns the endpoint it got: `bind("tcp://127.0.0.1:*")` tells the port. An endpoint that other
  // machines can reach is refused (std::errc::operation_not_permitted) unless the socket is a CURVE
  // server, by make_curve_server(), or was told allow_public_bind().
  std::string bind(const std::string& endpoint);
  void allow_public_bind(bool allow = true);
  void connect(const std::string& endpoint);
  void unbind(const std::string& endpoint);
  void disconnect(const std::string& endpoint);

  // -- messages of one part ------------------------------------------------------------------
  // Sends a Message, or a copy of text or bytes. If it throws, the message is left as it was.
  void send(Message&& message);
  void send(Message&& message, Deadline deadline);
  template <TextOrBytes T>
  void send(const T& content);
  // A message of several parts is dropped, and std::system_error (protocol_error) thrown.
  [[nodiscard]] Message recv();
  [[nodiscard]] Message recv(Deadline deadline);
  // Never wait: false, or nothing, when they would have to, or others wait in that direction.
  [[nodiscard]] bool try_send(Message&& message);
  [[nodiscard]] std::optional<Message> try_recv();

  // -- messages of any number of parts ---------------------------------------------------------
  // std::invalid_argument for a message without parts.
  void send_multipart(Multipart&& parts);
  void send_multipart(Multipart&& parts, Deadline deadline);
  void send_multipart(std::initializer_list<std::string_view> parts);
  void send_multipart(std::initializer_list<std::string_view> parts, Deadline deadline);
  [[nodiscard]] Multipart recv_multipart();
  [[nodiscard]] Multipart recv_multipart(Deadline deadline);
  [[nodiscard]] bool try_send_multipart(Multipart&& parts);
  [[nodiscard]] std::optional<Multipart> try_recv_multipart();

  // -- typed messages: see typed.hpp, topic.hpp ---------------------------------------------------
  // Any value of the codec as a message of one part. Text and bytes are not encoded, here as above:
  // they go as they are. EncodeError before anything is sent.
  template <Encoded T>
  void send(const T& value, const CodecLimits& limits = {});
  template <Encoded T>
  void send(const T& value, Deadline deadline, const CodecLimits& limits = {});
  template <Encoded T>
  [[nodiscard]] bool try_send(const T& value, const CodecLimits& limits = {});
  // BadMessage for one that is no T; it is dropped, and counted.
  template <class T>
  [[nodiscard]] T recv(const CodecLimits& limits = {});
  template <class T>
  [[nodiscard]] T recv(Deadline deadline, const CodecLimits& limits = {});
  template <class T>
  [[nodiscard]] std::optional<T> try_recv(const CodecLimits& limits = {});
  // The same in the last part, behind an envelope of any number of parts. Sending empties the
  // envelope; if it throws, or returns false, the envelope is left as it was.
  template <class T>
  void send_enveloped(Multipart&& envelope, const T& body, const CodecLimits& limits = {});
  template <class T>
  void send_enveloped(Multipart&& envelope, const T& body, Deadline deadline,
                      const CodecLimits& limits = {});
  template <class T>
  [[nodiscard]] bool try_send_enveloped(Multipart&& envelope, const T& body,
                                        const CodecLimits& limits = {});
  template <class T>
  [[nodiscard]] Enveloped<T> recv_enveloped(const CodecLimits& limits = {});
  template <class T>
  [[nodiscard]] Enveloped<T> recv_enveloped(Deadline deadline, const CodecLimits& limits = {});
  template <class T>
  [[nodiscard]] std::optional<Enveloped<T>> try_recv_enveloped(const CodecLimits& limits = {});
  // What is published under topics. BadMessage also for a topic that is none of them.
  template <Subscribable A>
  void subscribe(const A& topics);
  template <Subscribable A>
  void unsubscribe(const A& topics);
  template <Subscribable A>
  [[nodiscard]] Published<typename A::Value> recv(const A& topics, const CodecLimits& limits = {});
  template <Subscribable A>
  [[nodiscard]] Published<typename A::Value> recv(const A& topics, Deadline deadline,
                                                  const CodecLimits& limits = {});
  template <Subscribable A>
  [[nodiscard]] std::optional<Published<typename A::Value>>
  try_recv(const A& topics, const CodecLimits& limits = {});

  // -- waiting on many -------------------------------------------------------------------------
  // For wait_any(), which does exactly one of several operations, or nothing: see operation.hpp.
  [[nodiscard]] RecvOp recv_op();
  [[nodiscard]] RecvMultipartOp recv_multipart_op();
  [[nodiscard]] SendOp send_op(Message&& message);
  [[nodiscard]] SendOp send_multipart_op(Multipart&& parts);
  // Also for wait(), where a Socket stands for its readiness to receive. They take nothing.
  [[nodiscard]] ReadyOp wait_op();
  [[nodiscard]] ReadyOp writable_op();
  // What wait() can wait for: `std::vector{a.readable(), b.writable()}`.
  class Readiness {
  public:
    ReadyOp wait_op() const { return sends_ ? socket_->writable_op() : socket_->wait_op(); }
    Socket& socket() const { return *socket_; }

  private:
    friend class Socket;
    Readiness(Socket& socket, bool sends) : socket_(&socket), sends_(sends) {}
    Socket* socket_;
    bool sends_;
  };
  Readiness readable() { return {*this, false}; }
  Readiness writable() { return {*this, true}; }

  // libzmq's own handle; null when closed. Whoever calls send, recv or getsockopt(ZMQ_EVENTS) on it
  // may swallow the event that a greenlet waits for.
  void* native_handle() const noexcept;

private:
  friend class Monitor;
  Socket(const Socket& sibling, SocketType type); // in its context
  // From now on that Monitor is the one that hears of us. Gives the handle for as long as it is,
  // and this socket is open; then null.
  std::function<void*()> handle_while_heard_by(std::uint64_t monitor) const;
  void close_quietly() noexcept;
  bool admits_by_curve() const;
  detail::SocketState& use(const char* what) const;
  std::shared_ptr<detail::SocketState> share(const char* what) const;
  void set_raw(int number, const char* name, const void* value, std::size_t size);
  void get_raw(int number, const char* name, void* value, std::size_t& size) const;
  void set_text(int number, const char* name, std::string_view value);
  std::string get_text(int number, const char* name) const;
  void set_int(int number, const char* name, std::int64_t value);
  int get_int(int number, const char* name) const;
  void send_few(std::span<const std::byte> content);
  bool send_behind(Multipart& envelope, Message&& body, const Deadline* deadline, bool wait);
  template <class T>
  Message encoded(const T& value, const CodecLimits& limits) const;
  template <class T>
  T open(Message&& message, const CodecLimits& limits);
  template <class T>
  Enveloped<T> open(Multipart&& parts, const CodecLimits& limits);
  template <class A>
  Published<typename A::Value> open(Message&& message, const A& topics, const CodecLimits& limits);
  template <class Received, class F>
  auto understand(Received&& received, F decode);
  [[noreturn]] void refuse(const EncodeError& error) const;
  [[noreturn]] void refuse(const DecodeError& error, Message&& message);
  [[noreturn]] void refuse(const DecodeError& error, Multipart&& parts);

  std::shared_ptr<detail::SocketState> impl_; // also held by whoever waits
};

template <TextOrBytes T>
void Socket::send(const T& content) {
  constexpr std::size_t few = 32; // libzmq allocates nothing for them
  if (const auto bytes = Message::view(content); bytes.size() <= few)
    send_few(bytes);
  else
    send(Message(bytes));
}

template <class T, Access A>
requires(A != Access::write_only) T Socket::get(const Option<T, A>& option)
const {
  if constexpr (std::is_same_v<T, std::string>) {
    return get_text(option.number, option.name);
  } else if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::uint64_t>) {
    T value = 0;
    std::size_t size = sizeof value;
    get_raw(option.number, option.name, &value, size);
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    return get_int(option.number, option.name) != 0;
  } else {
    return T(get_int(option.number, option.name));
  }
}

template <class T, Access A>
requires(A != Access::read_only) void Socket::set(const Option<T, A>& option,
                                                  const std::type_identity_t<T>& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    set_text(option.number, option.name, value);
  } else if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::uint64_t>) {
    set_raw(option.number, option.name, &value, sizeof value);
  } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
    set_int(option.number, option.name, value.count());
  } else {
    set_int(option.number, option.name, value);
  }
}

} // namespace grove::zmq

#include <grove/zmq/detail/socket_typed.hpp>
