// SPDX-License-Identifier: MIT
// echo_server: sends back what it receives, a greenlet for each connection, on one hub. Prints
// "port N". Ends with SIGTERM.
#include <sys/resource.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/main.hpp>
#include <grove/net/listener.hpp>

namespace {

using grove::net::StreamSocket;

// One for all: nobody else runs between a receive and the send that takes from it, unless that has
// to wait, and then the rest is copied.
char buffer[64 * 1024];

void echo(StreamSocket connection) {
  try {
    while (connection.wait_readable()) {
      const std::size_t count = connection.recv_into(buffer);
      if (count == 0)
        return;
      std::string_view data(buffer, count);
      const std::size_t sent = connection.try_send(data).value_or(0);
      if (sent != count)
        connection.send_all(std::string(data.substr(sent)));
    }
  } catch (const std::system_error&) { // the peer went
  }
}

int run(int, char**) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  grove::net::Listener listener(grove::net::Address::loopback(), {.backlog = 4096});
  std::printf("port %d\n", listener.local_address().port());
  std::fflush(stdout);
  for (;;)
    grove::spawn(echo, listener.accept());
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
