// expect: cannot be assigned: is a field a reference or const
#include <grove/zmq/codec.hpp>

struct Message {
  const int value = 1;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
