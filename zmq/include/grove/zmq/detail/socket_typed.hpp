// SPDX-License-Identifier: MIT
// The bodies of Socket's typed operations: each is one of the plain ones with the codec around it.
#pragma once

#include <optional>
#include <utility>

#include <grove/zmq/socket.hpp>

namespace grove::zmq {

// decode(received), whose DecodeError becomes a BadMessage that keeps what was received.
template <class Received, class F>
auto Socket::understand(Received&& received, F decode) {
  try {
    return decode(received);
  } catch (const DecodeError& error) {
    refuse(error, std::forward<Received>(received));
  }
}

template <class T>
Message Socket::encoded(const T& value, const CodecLimits& limits) const {
  try {
    return to_message(value, limits);
  } catch (const EncodeError& error) {
    refuse(error);
  }
}

template <class T>
T Socket::open(Message&& message, const CodecLimits& limits) {
  return understand(std::move(message),
                    [&](const Message& body) { return from_message<T>(body, limits); });
}

template <class T>
Enveloped<T> Socket::open(Multipart&& parts, const CodecLimits& limits) {
  return understand(std::move(parts), [&](Multipart& received) {
    Enveloped<T> result{{}, from_message<T>(received.back(), limits)};
    received.pop_back();
    result.envelope = std::move(received);
    return result;
  });
}

template <class A>
Published<typename A::Value> Socket::open(Message&& message, const A& topics,
                                          const CodecLimits& limits) {
  return understand(std::move(message), [&](const Message& received) {
    return from_topic(received.bytes(), topics, limits);
  });
}

// -- one part ------------------------------------------------------------------------------------

template <Encoded T>
void Socket::send(const T& value, const CodecLimits& limits) {
  send(encoded(value, limits));
}
template <Encoded T>
void Socket::send(const T& value, Deadline deadline, const CodecLimits& limits) {
  send(encoded(value, limits), deadline);
}
template <Encoded T>
bool Socket::try_send(const T& value, const CodecLimits& limits) {
  return try_send(encoded(value, limits));
}

template <class T>
T Socket::recv(const CodecLimits& limits) {
  return open<T>(recv(), limits);
}
template <class T>
T Socket::recv(Deadline deadline, const CodecLimits& limits) {
  return open<T>(recv(deadline), limits);
}
template <class T>
std::optional<T> Socket::try_recv(const CodecLimits& limits) {
  std::optional<Message> message = try_recv();
  if (!message)
    return std::nullopt;
  return open<T>(std::move(*message), limits);
}

// -- behind an envelope --------------------------------------------------------------------------

template <class T>
void Socket::send_enveloped(Multipart&& envelope, const T& body, const CodecLimits& limits) {
  send_behind(envelope, encoded(body, limits), nullptr, true);
}
template <class T>
void Socket::send_enveloped(Multipart&& envelope, const T& body, Deadline deadline,
                            const CodecLimits& limits) {
  send_behind(envelope, encoded(body, limits), &deadline, true);
}
template <class T>
bool Socket::try_send_enveloped(Multipart&& envelope, const T& body, const CodecLimits& limits) {
  return send_behind(envelope, encoded(body, limits), nullptr, false);
}

template <class T>
Enveloped<T> Socket::recv_enveloped(const CodecLimits& limits) {
  return open<T>(recv_multipart(), limits);
}
template <class T>
Enveloped<T> Socket::recv_enveloped(Deadline deadline, const CodecLimits& limits) {
  return open<T>(recv_multipart(deadline), limits);
}
template <class T>
std::optional<Enveloped<T>> Socket::try_recv_enveloped(const CodecLimits& limits) {
  std::optional<Multipart> parts = try_recv_multipart();
  if (!parts)
    return std::nullopt;
  return open<T>(std::move(*parts), limits);
}

// -- under topics --------------------------------------------------------------------------------

template <Subscribable A>
void Socket::subscribe(const A& topics) {
  if constexpr (detail::is_topics<A>)
    topics.for_each([this](auto, const auto& filter) { this->subscribe(filter.filter()); });
  else
    subscribe(topics.filter());
}
template <Subscribable A>
void Socket::unsubscribe(const A& topics) {
  if constexpr (detail::is_topics<A>)
    topics.for_each([this](auto, const auto& filter) { this->unsubscribe(filter.filter()); });
  else
    unsubscribe(topics.filter());
}

template <Subscribable A>
Published<typename A::Value> Socket::recv(const A& topics, const CodecLimits& limits) {
  return open(recv(), topics, limits);
}
template <Subscribable A>
Published<typename A::Value> Socket::recv(const A& topics, Deadline deadline,
                                          const CodecLimits& limits) {
  return open(recv(deadline), topics, limits);
}
template <Subscribable A>
std::optional<Published<typename A::Value>> Socket::try_recv(const A& topics,
                                                             const CodecLimits& limits) {
  std::optional<Message> message = try_recv();
  if (!message)
    return std::nullopt;
  return open(std::move(*message), topics, limits);
}

} // namespace grove::zmq
