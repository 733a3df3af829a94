// SPDX-License-Identifier: MIT
// StreamSocket: a connected TCP or Unix stream socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>
#include <grove/net/socket.hpp>
#include <grove/net/stream.hpp>

namespace grove::net {

struct ConnectOptions;
namespace detail {
struct DescriptorPassing;
}

// When a silent peer counts as gone. Zero leaves the kernel's own.
struct KeepAlive {
  std::chrono::seconds idle{60};     // before the first probe
  std::chrono::seconds interval{10}; // between two
  int probes = 3;
  std::chrono::milliseconds user_timeout{0}; // TCP_USER_TIMEOUT: what was sent and not acknowledged
};

// StreamSocket is made by connect(), a Listener or socket_pair(). TCP_NODELAY is on. A second
// greenlet that receives (or sends) while one is waiting to is told so: std::logic_error. See
// Stream for the calls it shares with TLS, and Socket for options and readiness.
class StreamSocket final : public Socket, public Stream {
public:
  // A connected socket from elsewhere, which it owns from now on; becomes non-blocking and
  // close-on-exec. std::system_error if it is no stream socket: then it is still the caller's.
  static StreamSocket adopt(int fd);

  Address peer_address() const;
  // Never wait, and never give way: nothing if they would have to. No suspension points.
  std::optional<std::size_t> try_recv_into(std::span<char> into);
  std::optional<std::size_t> try_send(std::string_view data);

  // Sends of an open file from `offset` on (sendfile(2)): some of `count` bytes, at least one, or 0
  // at its end; how many. What is not in the page cache blocks the hub for as long as the disk
  // needs.
  std::size_t send_file(int file, std::uint64_t offset, std::size_t count, Deadline deadline = {});
  // All of them, under one deadline; fewer only if the file is shorter.
  std::size_t send_file_all(int file, std::uint64_t offset, std::size_t count,
                            Deadline deadline = {});

  void set_no_delay(bool on); // std::system_error on a Unix socket
  void set_keep_alive(const KeepAlive& times);
  // close() then resets the connection (RST): what was not sent yet is dropped.
  void reset_on_close();
  // Receiving ends: it gives 0 from now on.
  void shutdown_read();

  void shutdown_write(Deadline deadline = {}) override;
  void close() noexcept override { Socket::close(); }
  bool is_open() const noexcept override { return Socket::is_open(); }
  std::string name() const override { return Socket::name(); }
  // Both bases have one. Here what an interrupted recv_exactly() has taken counts as readable, too.
  bool wait_readable(Deadline deadline = {}) { return Stream::wait_readable(deadline); }
  [[nodiscard]] ReadyOp readable_op();
  [[nodiscard]] ReadyOp wait_op() { return readable_op(); }

private:
  friend class Listener;
  friend struct detail::DescriptorPassing;
  friend StreamSocket connect(const Address&, Deadline, const ConnectOptions&);
  friend std::pair<StreamSocket, StreamSocket> socket_pair();
  explicit StreamSocket(detail::SocketRef state) : Socket(std::move(state)) {}
  std::size_t read_some(std::span<char> into, Deadline deadline) override;
  bool wait_to_read(Deadline deadline) override;
  std::size_t write_some(std::span<const std::string_view> parts, Deadline deadline) override;
};

// Two that are connected with each other (socketpair(2)).
std::pair<StreamSocket, StreamSocket> socket_pair();

} // namespace grove::net
