// expect: a typed message is one part
#include <grove/zmq/socket.hpp>

void use(grove::zmq::Socket& socket) { static_cast<void>(socket.recv<grove::zmq::Multipart>()); }
