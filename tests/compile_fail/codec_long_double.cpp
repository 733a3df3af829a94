// expect: msgpack has no such number
#include <grove/zmq/codec.hpp>

struct Message {
  long double value;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
