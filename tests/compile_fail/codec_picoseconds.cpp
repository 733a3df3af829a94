// expect: finer than nanoseconds
#include <grove/zmq/codec.hpp>

struct Message {
  std::chrono::duration<long, std::pico> value;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
