// expect: anonymous union
#include <grove/zmq/codec.hpp>

struct Message {
  union {
    int i;
    float f;
  };
  int other;
};

void use(const Message& message) { static_cast<void>(grove::zmq::encode(message)); }
