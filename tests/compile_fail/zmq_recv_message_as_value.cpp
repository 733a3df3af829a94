// expect: a Message is no typed message
#include <grove/zmq/socket.hpp>

void use(grove::zmq::Socket& socket) { static_cast<void>(socket.recv<grove::zmq::Message>()); }
