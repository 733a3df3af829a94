// expect: neither an aggregate nor a type the codec knows
#include <grove/zmq/socket.hpp>

class Opaque {
public:
  Opaque() {}

private:
  int inside_ = 0;
};

void use(grove::zmq::Socket& socket) { socket.send(Opaque()); }
