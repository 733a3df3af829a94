// SPDX-License-Identifier: MIT
// tls_echo CHAIN KEY: an echo server over TLS; prints "port N". bench/peers/openssl has the same in
// a raw loop.
#include <cstdio>
#include <exception>
#include <utility>

#include <grove/hub.hpp>
#include <grove/net/listener.hpp>
#include <grove/tls.hpp>

namespace {

void serve(grove::net::StreamSocket socket, const grove::tls::ServerContext& context) {
  try {
    auto stream = grove::tls::wrap_server(std::move(socket), context);
    char buffer[4096];
    while (const std::size_t size = stream.recv_into(buffer))
      stream.send_all({buffer, size});
  } catch (const std::exception&) { // the load goes when it has enough
  }
}

int run(int argc, char** argv) {
  if (argc != 3)
    return 2;
  const grove::tls::ServerContext context(
      {.identities = {grove::tls::Identity::from_files(argv[1], argv[2])}});
  grove::net::Listener listener(grove::net::Address::loopback(), {.backlog = 4096});
  std::printf("port %d\n", listener.local_address().port());
  std::fflush(stdout);
  grove::Group connections;
  for (;;)
    connections.spawn(
        [&context, socket = listener.accept()]() mutable { serve(std::move(socket), context); });
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
