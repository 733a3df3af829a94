// SPDX-License-Identifier: MIT
// DatagramSocket: UDP, and datagrams of Unix sockets.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>
#include <grove/net/socket.hpp>

namespace grove::net {

struct DatagramOptions {
  bool reuse_address = false; // others on this host may have it too: for multicast (SO_REUSEADDR)
  bool reuse_port = false;    // several sockets, one per hub, share what comes in (SO_REUSEPORT)
  bool ipv6_only = false;     // [::] takes IPv4 too otherwise
  unsigned mode = 0666;       // of a Unix socket's path (umask applies)
  bool replace_stale = true;  // a Unix path that nobody receives on is taken over
};

// One that was received.
struct Datagram {
  std::size_t size = 0;   // bytes that are in the buffer; an empty datagram is none of an end
  bool truncated = false; // it was longer than the buffer: the rest is lost
  Address peer{};         // who sent it; none if that is a Unix socket without an address
};

// DatagramSocket sends and receives whole messages. See Socket for what it shares: its calls try
// first; they throw TimeoutError, Closed, and std::system_error with what was tried on what. A kill
// or a timeout at a wait leaves the socket as if the call had never been made. Nothing tells that a
// datagram was lost, but for a connected socket whose peer's host said so: then one later call,
// whichever comes first, throws ECONNREFUSED. A greenlet that never has to wait yields now and
// then.
class DatagramSocket final : public Socket {
public:
  // Not bound yet: the first message that is sent does that. AF_INET, AF_INET6 (which takes IPv4
  // too), AF_UNIX.
  explicit DatagramSocket(int family);
  // Bound: "bind 127.0.0.1:53: Permission denied". Port 0: see local_address(). The path of a Unix
  // socket is removed when the DatagramSocket that made it is closed.
  explicit DatagramSocket(const Address& local, const DatagramOptions& options = {});
  // One from elsewhere (systemd's, a test's), which it owns from now on. std::system_error if it is
  // no datagram socket.
  static DatagramSocket adopt(int fd);

  // Sends to, and receives from, nobody else from now on; never waits. Address() undoes it, and may
  // give up a port that the kernel had chosen.
  void connect(const Address& peer);
  Address peer_address() const; // none if it is not connected

  // -- receiving -----------------------------------------------------------------------------
  // The next message; what does not fit is lost, and that is told.
  Datagram recv_from(std::span<char> into, Deadline deadline = {});
  std::optional<Datagram> try_recv_from(std::span<char> into);
  // The same where the peer is known. How many bytes; EMSGSIZE if the message was longer.
  std::size_t recv(std::span<char> into, Deadline deadline = {});

  // Waits for one and takes as many as are there, in one call (recvmmsg(2)): the first so many
  // elements are filled. At most 64 at once.
  struct Slot {
    std::span<char> buffer{};
    Datagram datagram{};
  };
  std::size_t recv_many(std::span<Slot> into, Deadline deadline = {});

  // -- sending -------------------------------------------------------------------------------
  // All or nothing; EMSGSIZE for what is too long. Waits while the kernel has no room; of a Unix
  // socket also while the receiver has none.
  void send_to(std::string_view message, const Address& to, Deadline deadline = {});
  bool try_send_to(std::string_view message, const Address& to);
  // To whom it is connected.
  void send(std::string_view message, Deadline deadline = {});

  // -- many receivers ------------------------------------------------------------------------
  void set_broadcast(bool on); // IPv4; nothing is sent to a broadcast address otherwise
  // Receives what is sent to the group's address on one interface, by its name; by default on the
  // one that the routes name. Of one hub or several, each socket joins for itself.
  void join_group(const Address& group, std::string_view interface = {});
  void leave_group(const Address& group, std::string_view interface = {});
  void set_multicast_interface(std::string_view interface); // that is sent on
  void set_multicast_hops(int hops); // TTL: 0 stays on this host, 1 (the default) on the link
  void set_multicast_loop(bool on);  // whether this host's members get it too: they do by default

private:
  using Socket::Socket;
};

} // namespace grove::net
