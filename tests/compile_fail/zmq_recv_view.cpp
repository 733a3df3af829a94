// expect: text and bytes are received as std::string or zmq::Bytes
#include <grove/zmq/socket.hpp>

void use(grove::zmq::Socket& socket) { static_cast<void>(socket.recv<std::string_view>()); }
