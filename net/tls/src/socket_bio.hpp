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
// and keeps what the kernel has no room for.
class SocketBio {
public:
  explicit SocketBio(net::StreamSocket& socket) : socket_(socket) {}
  SocketBio(const SocketBio&) = delete;
  SocketBio& operator=(const SocketBio&) = delete;

  BIO* make(); // the caller's; used as long as this lives
  bool has_unsent() const { return !unsent_.empty(); }
  // Sends what there is room for; true if all is sent. Throws what the socket does.
  bool send_unsent();
  void drop_unsent() noexcept { unsent_ = {}; }
  // Takes what is there: a socket that is closed with unread bytes resets the connection, and the
  // peer would not see the alert that tells why.
  void drain() noexcept;

  // The last read took all there was: the next one would be in vain until the socket is readable.
  bool drained() const { return drained_; }
  void may_read_again() { drained_ = false; }
  bool at_end() const { return at_end_; } // the peer has closed its side
  // What the socket has thrown beneath OpenSSL, which knows no exceptions.
  std::exception_ptr take_error() { return std::exchange(error_, nullptr); }

private:
  static int read(BIO* bio, char* into, int size) noexcept;
  static int write(BIO* bio, const char* data, int size) noexcept;
  static long control(BIO* bio, int command, long number, void* pointer) noexcept;
  static const BIO_METHOD* method();
  bool keep(std::string_view data);

  net::StreamSocket& socket_;
  std::string unsent_;
  std::exception_ptr error_;
  bool drained_ = false;
  bool at_end_ = false;
};

} // namespace grove::tls::detail
