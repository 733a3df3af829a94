// expect: a raw pointer means nothing to a peer
#include <grove/zmq/socket.hpp>

void use(grove::zmq::Socket& socket, int* number) { socket.send(number); }
