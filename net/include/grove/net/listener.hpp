// SPDX-License-Identifier: MIT
// Listener: a socket that connections come in on.
#pragma once

#include <cstdint>
#include <optional>

#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>
#include <grove/net/socket.hpp>
#include <grove/net/stream_socket.hpp>

namespace grove::net {

struct ListenOptions {
  int backlog = 1024;        // the kernel's somaxconn bounds it
  bool reuse_port = false;   // several listeners, one per hub, share the address (SO_REUSEPORT)
  bool ipv6_only = false;    // [::] takes IPv4 too otherwise
  unsigned mode = 0666;      // of a Unix socket's path (umask applies)
  bool replace_stale = true; // a Unix path that nobody listens on is taken over
};

// Listener accepts connections, one greenlet at a time. See Socket for what it shares. The path of
// a Unix socket is removed when the Listener that made it is closed.
class Listener final : public Socket {
public:
  // std::system_error names the address: "listen on 127.0.0.1:80: Permission denied". SO_REUSEADDR
  // is set. Port 0: see local_address().
  explicit Listener(const Address& address, const ListenOptions& options = {});
  // One that listens already (systemd's, a test's), which it owns from now on. std::system_error if
  // it does not: then it is still the caller's.
  static Listener adopt(int fd);

  // Waits for a connection. TimeoutError; Closed; std::system_error, with EMFILE and the like left
  // to the caller. Those that a peer gave up before (ECONNABORTED, and the network errors that
  // accept(2) names) are passed over.
  StreamSocket accept(Deadline deadline = {});
  std::optional<StreamSocket> try_accept();

private:
  explicit Listener(int fd);
};

} // namespace grove::net
