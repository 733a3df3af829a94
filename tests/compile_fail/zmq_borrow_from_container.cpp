// expect: to give away a string or a vector there is adopt
#include <grove/zmq/message.hpp>

grove::zmq::Message use(std::string text) {
  const auto bytes = std::as_bytes(std::span(text));
  return grove::zmq::Message::borrow(bytes, std::move(text)); // a short one moves its bytes
}
