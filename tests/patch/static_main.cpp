// SPDX-License-Identifier: MIT
// A static program: its own calls, and those of its libraries, come to the hooks by --wrap.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include <grove/hub/greenlet.hpp>
#include <grove/patch/patch.hpp>

int main() {
  grove::patch::all();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
    return 1;
  auto reader = grove::spawn([&] {
    char byte = 0;
    return recv(ends[0], &byte, 1, 0) + read(ends[0], &byte, 1);
  });
  usleep(1'000);
  if (send(ends[1], "x", 1, 0) != 1 || usleep(1'000) != 0 || write(ends[1], "x", 1) != 1)
    return 2;
  if (reader.get() != 2)
    return 3;
  for (const char* call : {"recv", "read", "usleep"}) {
    if (grove::patch::count(call).waited == 0) {
      std::printf("%s has not waited green\n", call);
      return 4;
    }
  }
  std::puts("static: all calls come to the hooks");
  return 0;
}
