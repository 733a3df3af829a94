// expect: is a field a reference
#include <grove/zmq/codec.hpp>

struct Message {
  int& value;
};

void use(const Message& message) { static_cast<void>(grove::zmq::encode(message)); }
