// expect: (no matching|constraint)
#include <grove/zmq/socket.hpp>

void use(grove::zmq::Socket& socket) { static_cast<void>(socket.recv("weather.oslo")); }
