// SPDX-License-Identifier: MIT
// Built with -O2 -D_FORTIFY_SOURCE=3: what the compiler makes of these calls is not what they say.
#include "fortify_probe.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace grove::test {

// The compiler knows the room that there is, and not how much of it is used.
long fortified_read(int fd, std::size_t size) {
  std::array<char, 8> room; // NOLINT: filled by the call
  return read(fd, room.data(), size);
}
long fortified_recv(int fd, std::size_t size) {
  std::array<char, 8> room; // NOLINT
  return recv(fd, room.data(), size, 0);
}
long fortified_recvfrom(int fd, std::size_t size) {
  std::array<char, 8> room; // NOLINT
  return recvfrom(fd, room.data(), size, 0, nullptr, nullptr);
}
int fortified_poll(int fd, std::size_t count, int timeout) {
  std::array<pollfd, 2> entries{pollfd{fd, POLLIN, 0}, pollfd{-1, 0, 0}};
  return poll(entries.data(), count, timeout);
}
int fortified_ppoll(int fd, std::size_t count) {
  std::array<pollfd, 2> entries{pollfd{fd, POLLIN, 0}, pollfd{-1, 0, 0}};
  return ppoll(entries.data(), count, nullptr, nullptr);
}

} // namespace grove::test
