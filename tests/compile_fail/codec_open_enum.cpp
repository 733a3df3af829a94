// expect: enum without a fixed underlying type
#include <grove/zmq/codec.hpp>

enum Colour { red, green };
struct Message {
  Colour colour;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
