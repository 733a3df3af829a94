// expect: struct with bit-fields
#include <grove/zmq/codec.hpp>

struct Message {
  unsigned a : 3;
  unsigned b : 5;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
