// SPDX-License-Identifier: MIT
// Any bytes as a message of one of several topics: refused with DecodeError, or its name and value
// make a message again that is received as the same.
#include <grove/zmq/topic.hpp>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace {

namespace zmq = grove::zmq;

struct Weather {
  double celsius = 0;
  std::string sky = "clear";
  std::optional<std::vector<std::int16_t>> hours;
};

const zmq::Topic<Weather> oslo("oslo");
const zmq::TopicPrefix<Weather> places("place.");
const zmq::Topic<std::vector<std::string>> words("w");
const zmq::Topics topics(oslo, places, words);
const zmq::CodecLimits limits{.max_bytes = 1u << 16, .max_memory = 1u << 22};

using Received = zmq::Published<std::remove_const_t<decltype(topics)>::Value>;

std::optional<Received> receive(std::span<const std::byte> message) {
  try {
    return zmq::from_topic(message, topics, limits);
  } catch (const zmq::DecodeError& error) {
    if (error.offset() > message.size())
      std::abort();
    return std::nullopt;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::optional<Received> received = receive(std::as_bytes(std::span(data, size)));
  if (!received)
    return 0;
  std::visit(
      [&]<class T>(const T& value) {
        const zmq::Message again = zmq::Topic<T>(received->topic).message(value);
        const Received same = zmq::from_topic(again.bytes(), topics);
        if (same.topic != received->topic || same.value.index() != received->value.index())
          std::abort();
      },
      received->value);
  return 0;
}
