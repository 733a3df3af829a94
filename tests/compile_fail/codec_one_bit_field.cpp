// expect: bit-field
#include <grove/zmq/codec.hpp>

struct Message {
  int a;
  unsigned b : 5;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
