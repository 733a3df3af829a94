// expect: a union does not say what it holds
#include <grove/zmq/codec.hpp>

union Either {
  int i;
  float f;
};
struct Message {
  Either value;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
