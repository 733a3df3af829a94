// SPDX-License-Identifier: MIT
// Typed messages: values as messages and back, and what a receiver throws for one that is no such
// value.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <grove/zmq/codec.hpp>
#include <grove/zmq/message.hpp>

namespace grove::zmq {

// What travels encoded, as codec.hpp says: everything but text and bytes, which go as they are.
template <class T>
concept Encoded = !TextOrBytes<T> && !std::same_as<T, Message>;

// Thrown by the typed receives of a Socket for a message that came whole and is not what was asked
// for: "recv on PULL: decode Order.lines[1].price: expected float, found str at byte 23". The
// message has been taken out of the socket, which goes on with the next.
class BadMessage : public DecodeError {
public:
  BadMessage(const std::string& what, std::size_t offset, Multipart&& parts)
      : DecodeError(what, offset), parts_(std::make_shared<Multipart>(std::move(parts))) {}
  // The message as it came, to answer the one who sent it (a ROUTER has the routing id in front),
  // or to put it aside. Copies of the exception share it.
  [[nodiscard]] Multipart& parts() const noexcept { return *parts_; }

private:
  std::shared_ptr<Multipart> parts_;
};

// A body of the type T with the parts that came before it: the routing ids, and what else routes.
template <class T>
struct Enveloped {
  Multipart envelope;
  T body;
};

namespace detail {

// A buffer that its thread keeps from one message to the next, so that only the message itself is
// allocated.
class Scratch {
public:
  Scratch() noexcept;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  // A Message of what is in the buffer.
  Message message();

  Bytes bytes;
};

template <class T>
consteval void check_message_type() {
  static_assert(!std::same_as<T, Message>,
                "grove: a Message is no typed message: send(std::move(message)) and recv()");
  static_assert(!std::same_as<T, Multipart>,
                "grove: a typed message is one part; send_multipart and recv_multipart are for "
                "several, send_enveloped and recv_enveloped for a typed one behind others");
}

} // namespace detail

// `value` as a message: encoded, or if it is text or bytes, those as they are. EncodeError above
// the limits. Any thread; never parks.
template <class T>
[[nodiscard]] Message to_message(const T& value, const CodecLimits& limits = {}) {
  detail::check_message_type<T>();
  if constexpr (TextOrBytes<T>) {
    return Message(value);
  } else {
    detail::Scratch scratch;
    encode_to(value, scratch.bytes, limits);
    return scratch.message();
  }
}

// The T that a message is, from its first byte to its last; the reverse of to_message. DecodeError.
// Any thread; never parks.
template <class T>
[[nodiscard]] T from_message(const Message& message, const CodecLimits& limits = {}) {
  detail::check_message_type<T>();
  static_assert(Encoded<T> || std::same_as<T, std::string> || std::same_as<T, Bytes> ||
                    std::same_as<T, Message>,
                "grove: text and bytes are received as std::string or zmq::Bytes, which own them");
  if constexpr (Encoded<T>) {
    return decode<T>(message.bytes(), limits);
  } else {
    const Decoder within_limits(message.bytes(), limits, detail::type_name<T>());
    const auto* data = reinterpret_cast<const typename T::value_type*>(message.bytes().data());
    return T(data, data + message.size());
  }
}

} // namespace grove::zmq
