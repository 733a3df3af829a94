// expect: anonymous union|structured binding
#include <grove/zmq/codec.hpp>

struct Message {
  int kind;
  union {
    int i;
    float f;
  };
};

void use(const Message& message) { static_cast<void>(grove::zmq::encode(message)); }
