// expect: aggregate with a base class
#include <grove/zmq/codec.hpp>

struct Base {
  int a;
};
struct Message : Base {
  int b;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
