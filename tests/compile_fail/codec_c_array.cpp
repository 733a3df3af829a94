// expect: struct with a C array; use std::array
#include <grove/zmq/codec.hpp>

struct Message {
  int before;
  char name[16];
  int after;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
