// SPDX-License-Identifier: MIT
// Connection: OpenSSL on a green socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/net/stream_socket.hpp>
#include <grove/tls/tls_error.hpp>

#include "client_state.hpp"
#include "openssl.hpp"
#include "socket_bio.hpp"

namespace grove::tls::detail {

// What a TlsStream and its calls under way share. No call of OpenSSL's waits or gives way, so that
// each finds its SSL object at rest, though one greenlet receives while another sends: waits are
// made here, between the calls. OpenSSL never has to repeat a write, since what there is no room
// for stays in SocketBio; so receiving waits for input only, and sending for room only, until
// SocketBio is empty again. Who receives never waits for room: an answer of OpenSSL's own (to a
// peer that asks for new keys) goes out when there is some, or in front of what is sent next.
// While a message of the handshake protocol is here in half (a ticket in several records) OpenSSL
// sends nothing: who sends then waits for the rest, which the one who receives takes, or it itself.
class Connection {
public:
  // `keep` is what the callbacks of `context` use.
  Connection(net::StreamSocket socket, SSL_CTX* context, std::shared_ptr<const void> keep);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  static Connection& of(const SSL* ssl);

  // Before the handshake, of a server or a client: who the server must be.
  void accept() { SSL_set_accept_state(ssl_.get()); }
  void expect(std::string_view host, std::shared_ptr<ClientState> client);
  void handshake(Deadline deadline);

  std::size_t read(std::span<char> into, Deadline deadline);
  bool wait_to_read(Deadline deadline);
  std::size_t write(std::span<const std::string_view> parts, Deadline deadline);
  void shutdown_write(Deadline deadline);
  void close() noexcept;

  bool is_open() const { return ssl_ != nullptr; }
  SSL* ssl(const char* what) const; // Closed
  const net::StreamSocket& socket() const { return socket_; }
  std::string name() const { return "tls " + socket_.name(); }

  void remember(SSL_SESSION* session) noexcept; // takes the reference

private:
  enum class Step { done, wait, end };
  class Turn;

  template <class Call>
  Step step(TlsError::Phase phase, const char* what, Call call);
  bool nothing_to_read(const SSL* ssl) const;
  bool wait_for_input(const char* what, Deadline deadline);
  bool wait_for(bool to_write, const char* what, Deadline deadline);
  void flush(const char* what, Deadline deadline);
  void complete_message(const char* what, Deadline deadline);
  bool await_receiving(const char* what, Deadline deadline);
  void check_sent() const;
  void give_way(const char* what);
  [[noreturn]] void fail(TlsError::Phase phase, int ssl_error);
  [[noreturn]] void fail_late(const char* what) const;
  std::string peer() const;
  std::string session_name() const;
  void part_politely() noexcept;

  grove::detail::HomeCheck home_;
  net::StreamSocket socket_;
  std::shared_ptr<const void> keep_;
  SocketBio bio_;
  SslPtr ssl_; // null once closed
  std::shared_ptr<ClientState> client_;
  std::string host_;           // that a client meant
  std::exception_ptr failure_; // what every call throws from now on
  std::uint32_t unwaited_ = 0; // bytes that were had without a wait
  bool receiving_ = false;
  bool sending_ = false;
  bool completing_ = false;         // who sends receives the rest of a message
  grove::detail::WaitList changes_; // who waits until that is over, or somebody else receives it
};

} // namespace grove::tls::detail
