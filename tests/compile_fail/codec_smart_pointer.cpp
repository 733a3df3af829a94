// expect: neither an aggregate nor a type the codec knows
#include <grove/zmq/codec.hpp>

struct Message {
  std::unique_ptr<int> value;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
