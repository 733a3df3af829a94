// expect: C array; use std::array
#include <grove/zmq/codec.hpp>

struct Message {
  int only[1];
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
