// expect: optional within an optional
#include <grove/zmq/codec.hpp>

struct Message {
  std::optional<std::optional<int>> value;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
