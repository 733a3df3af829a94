// expect: string_view owns nothing
#include <grove/zmq/codec.hpp>

struct Message {
  std::string_view text;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
