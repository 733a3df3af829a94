// SPDX-License-Identifier: MIT
// Blocking sockets, and whether a call on one gave way.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <grove/patch/patch.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {

// Two connected ones, as most programs have them.
struct Sockets {
  int a = -1;
  int b = -1;
  explicit Sockets(int kind = SOCK_STREAM) {
    int ends[2];
    if (socketpair(AF_UNIX, kind | SOCK_CLOEXEC, 0, ends) != 0)
      std::abort();
    a = ends[0];
    b = ends[1];
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  ~Sockets() {
    close(a);
    if (b != -1)
      close(b);
  }
};

// Listens on a loopback port of TCP.
struct Listener {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  explicit Listener(int backlog = 16) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(fd, where(), size) != 0 || listen(fd, backlog) != 0 ||
        getsockname(fd, where(), &size) != 0)
      std::abort();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    if (fd != -1)
      close(fd);
  }
  sockaddr* where() { return reinterpret_cast<sockaddr*>(&address); }
  int port() const { return ntohs(address.sin_port); }
};

inline long take(int fd) {
  char byte = 0;
  return recv(fd, &byte, 1, 0);
}

struct Returned {
  long value = 0;
  int error = 0;
  friend bool operator==(const Returned&, const Returned&) = default;
};
inline std::ostream& operator<<(std::ostream& out, const Returned& r) {
  return out << r.value << " with errno " << r.error;
}

// What a call has given, in a greenlet of its own; it must have waited green.
template <class F>
GreenletRef<Returned> start_call(F call) {
  return spawn([call] {
    errno = 0;
    const auto value = static_cast<long>(call());
    return Returned{value, errno};
  });
}
// Starts it and lets it wait.
template <class F>
GreenletRef<Returned> waiting_call(F call) {
  auto greenlet = start_call(std::move(call));
  settle();
  EXPECT_FALSE(greenlet.ready()) << "it does not wait";
  return greenlet;
}

} // namespace grove::test
