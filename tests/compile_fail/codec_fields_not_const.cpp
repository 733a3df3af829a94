// expect: fields\(\) must also be there const
#include <grove/zmq/codec.hpp>

class Message {
public:
  auto fields() { return std::tie(value_); }

private:
  int value_ = 0;
};

void use() { static_cast<void>(grove::zmq::encode(Message{})); }
