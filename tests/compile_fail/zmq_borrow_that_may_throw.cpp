// expect: libzmq calls it, from a thread of its own
#include <grove/zmq/message.hpp>

grove::zmq::Message use(std::span<const std::byte> bytes) {
  return grove::zmq::Message::borrow(bytes, [] {});
}
