// SPDX-License-Identifier: MIT
// SocketBio: where OpenSSL reads and writes.
#pragma once

#include <openssl/bio.h>

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <grove/net/stream_socket.hpp>

namespace grove::tls::detail {

// Never waits. Reading says "again" when the kernel has nothing; writing takes whatever it is given
// and keeps what the kernel has no room for. When sending has failed, what is written is dropped:
// who sends is told by send_error(), and what the peer has said before can still be read.
class SocketBio {
public:
  explicit SocketBio(net::StreamSocket& socket) : socket_(socket) {}
  SocketBio(const SocketBio&) = delete;
  SocketBio& operator=(const SocketBio&) = delete;

  BIO* make(); // the caller's; used as long as this lives
  bool has_unsent() const { return !unsent_.empty(); }
  // Sends what there is room for; true if nothing is left.
  bool send_unsent() noexcept;
  void drop_unsent() noexcept { unsent_ = {}; }
  const std::exception_ptr& send_error() const { return send_error_; } // of the socket
  // Takes what is there: a socket that is closed with unread bytes resets the connection, and the
  // peer would not see the alert that tells why.
  void drain() noexcept;

  // The last read took all there was: the next one would be in vain until the socket is readable.
  bool drained() const { return drained_; }
  void may_read_again() { drained_ = false; }
  bool at_end() const { return at_end_; } // the peer has closed its side
  // What the socket has thrown beneath OpenSSL, which knows no exceptions.
  std::exception_ptr take_receive_error() { return std::exchange(receive_error_, nullptr); }

private:
  static int read(BIO* bio, char* into, int size) noexcept;
  static int write(BIO* bio, const char* data, int size) noexcept;
  static long control(BIO* bio, int command, long number, void* pointer) noexcept;
  static const BIO_METHOD* method();
  std::string_view send(std::string_view data) noexcept; // what is left of it

  net::StreamSocket& socket_;
  std::string unsent_;
  std::exception_ptr send_error_;
  std::exception_ptr receive_error_;
  bool drained_ = false;
  bool at_end_ = false;
};

} // namespace grove::tls::detail
