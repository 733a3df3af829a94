// SPDX-License-Identifier: MIT
// patch: libc's calls, made by whatever library, let others run instead of blocking them all.
#include <fmt/core.h>

#include <netinet/in.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grove/hub.hpp>
#include <grove/patch/patch.hpp>

namespace {

constexpr timeval a_while{0, 20'000};

// As a C library would: it waits for a while, for nothing.
void call_select() {
  timeval limit = a_while;
  select(0, nullptr, nullptr, nullptr, &limit);
}

// The same, for somebody who has no room for it.
void call_connect(const sockaddr_in& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &a_while, sizeof a_while);
  connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  close(fd);
}

// A listener whose queue is full.
sockaddr_in full_listener() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  listen(listener, 0);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  connect(client, reinterpret_cast<sockaddr*>(&address), size); // both stay open to the end
  return address;
}

// Whose call it is, to judge by whether anybody can run meanwhile.
template <class F>
const char* behind(F call) {
  bool others_ran = false;
  const auto other = grove::spawn([&] { others_ran = true; });
  call();
  const char* whose = others_ran ? "grove's: others run" : "libc's: nobody runs";
  other.join();
  return whose;
}

void show(const sockaddr_in& address) {
  fmt::print("select is {}\n", behind(call_select));
  fmt::print("connect is {}\n", behind([&] { call_connect(address); }));
}

} // namespace

int main() {
  const sockaddr_in address = full_listener();
  show(address);
  grove::patch::all();
  fmt::print("After patch::all()\n");
  show(address);
}
