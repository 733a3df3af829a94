// expect: a typed message is one part
#include <grove/zmq/socket.hpp>

void use(grove::zmq::Socket& socket) { socket.send(grove::zmq::multipart("a", "b")); }
