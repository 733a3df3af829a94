// expect: neither an aggregate nor a type the codec knows
#include <grove/zmq/codec.hpp>

class Message {
public:
  Message() = default;

private:
  int hidden_ = 0;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
