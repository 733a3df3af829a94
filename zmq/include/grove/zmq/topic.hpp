// SPDX-License-Identifier: MIT
// Topic: a name under which values of one type are published; Topics: several, to be received.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/zmq/typed.hpp>

namespace grove::zmq {

namespace detail {

struct TopicFrame {
  std::string_view name;
  std::span<const std::byte> body;
};
// DecodeError if there is no name.
TopicFrame split_topic(std::span<const std::byte> frame);
[[noreturn]] void refuse_topic(std::size_t known, std::size_t length);
std::string name_before_zero(std::string&& name, const char* what, bool may_be_empty);

} // namespace detail

// What was received under a topic: its whole name, and the value.
template <class T>
struct Published {
  std::string topic;
  T value;
};

// A Topic joins a name with the type that is published under it. A message of it is one part: the
// name, a zero byte, the encoded value. So it can be conflated, cannot be torn, and a subscriber
// gets the topic "a" without getting "ab" as well: ZeroMQ compares beginnings.
//
//   pub.send(oslo.message(weather));
//   sub.subscribe(oslo);
//   auto [name, weather] = sub.recv(oslo);
//
// A value; any thread.
template <class T>
class Topic {
public:
  using Value = T;

  // std::invalid_argument for an empty name, or one with a zero byte.
  explicit Topic(std::string name)
      : key_(detail::name_before_zero(std::move(name), "zmq::Topic", false) + '\0') {}

  [[nodiscard]] std::string_view name() const noexcept {
    return std::string_view(key_).substr(0, key_.size() - 1);
  }
  // How its messages begin: what to subscribe to, for those who do so by themselves.
  [[nodiscard]] std::string_view filter() const noexcept { return key_; }
  [[nodiscard]] bool matches(std::string_view name) const noexcept { return name == this->name(); }

  // `value`, to be sent by a PUB or XPUB. EncodeError above the limits. Never parks.
  [[nodiscard]] Message message(const T& value, const CodecLimits& limits = {}) const {
    detail::Scratch scratch;
    const auto bytes = std::as_bytes(std::span(key_));
    scratch.bytes.assign(bytes.begin(), bytes.end());
    encode_to(value, scratch.bytes, limits);
    return scratch.message();
  }

private:
  std::string key_; // with the zero byte
};

// All topics whose names begin in one way and that are of one type, for subscribers: "weather."
// takes "weather.oslo", and the empty prefix takes all.
template <class T>
class TopicPrefix {
public:
  using Value = T;

  // std::invalid_argument for one with a zero byte.
  explicit TopicPrefix(std::string prefix)
      : prefix_(detail::name_before_zero(std::move(prefix), "zmq::TopicPrefix", true)) {}

  [[nodiscard]] std::string_view filter() const noexcept { return prefix_; }
  [[nodiscard]] bool matches(std::string_view name) const noexcept {
    return name.starts_with(prefix_);
  }

private:
  std::string prefix_;
};

// Several topics, of one type or several, that one socket receives. The value is a std::variant
// with an alternative for each, in their order; the first that matches takes the message.
template <class... Filters>
class Topics {
public:
  static_assert(sizeof...(Filters) > 0, "grove: Topics of nothing");
  using Value = std::variant<typename Filters::Value...>;

  explicit Topics(Filters... filters) : filters_(std::move(filters)...) {}

  // Calls f(index, filter) for each, with the index as a std::integral_constant.
  template <class F>
  void for_each(F f) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (f(std::integral_constant<std::size_t, I>(), std::get<I>(filters_)), ...);
    }
    (std::index_sequence_for<Filters...>());
  }

private:
  std::tuple<Filters...> filters_;
};

namespace detail {

template <class T>
inline constexpr bool is_topic_filter = false;
template <class T>
inline constexpr bool is_topic_filter<Topic<T>> = true;
template <class T>
inline constexpr bool is_topic_filter<TopicPrefix<T>> = true;
template <class T>
inline constexpr bool is_topics = false;
template <class... T>
inline constexpr bool is_topics<Topics<T...>> = true;

} // namespace detail

// A Topic, TopicPrefix or Topics: what a SUB subscribes to and receives from.
template <class A>
concept Subscribable = detail::is_topic_filter<A> || detail::is_topics<A>;

// What a message published under one of `topics` holds. DecodeError for one that is of none of
// them, or does not decode; its offset counts from the end of the name. Any thread; never parks.
template <Subscribable A>
[[nodiscard]] Published<typename A::Value>
from_topic(std::span<const std::byte> message, const A& topics, const CodecLimits& limits = {}) {
  using Value = typename A::Value;
  const detail::TopicFrame frame = detail::split_topic(message);
  if constexpr (detail::is_topic_filter<A>) {
    if (!topics.matches(frame.name))
      detail::refuse_topic(1, frame.name.size());
    return {std::string(frame.name), decode<Value>(frame.body, limits)};
  } else {
    Published<Value> result{std::string(frame.name), Value()};
    bool found = false;
    topics.for_each([&](auto index, const auto& filter) {
      if (found || !filter.matches(frame.name))
        return;
      using Held = std::variant_alternative_t<index(), Value>;
      result.value.template emplace<index()>(decode<Held>(frame.body, limits));
      found = true;
    });
    if (!found)
      detail::refuse_topic(std::variant_size_v<Value>, frame.name.size());
    return result;
  }
}

} // namespace grove::zmq
