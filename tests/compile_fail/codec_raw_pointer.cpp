// expect: raw pointer means nothing to a peer
#include <grove/zmq/codec.hpp>

struct Message {
  int* value;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
