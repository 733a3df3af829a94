// expect: (cannot bind rvalue reference|no matching (member )?function)
#include <grove/zmq/socket.hpp>

void use(grove::zmq::Socket& socket, grove::zmq::Message& message) { socket.send(message); }
