// SPDX-License-Identifier: MIT
// What a client's connection knows of its server: who it must be, and sessions of before.
#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "connection.hpp"

namespace grove::tls::detail {

namespace {

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

} // namespace

void Connection::expect(std::string_view host, std::shared_ptr<ClientState> client) {
  SSL* ssl = ssl_.get();
  if (host.ends_with('.'))
    host.remove_suffix(1);
  if (host.empty() || host.find('\0') != host.npos)
    throw std::invalid_argument("grove: TLS: no host to expect");
  host_ = host;
  client_ = std::move(client);
  SSL_set_connect_state(ssl);
  if (is_ip_address(host_)) {
    if (client_->verifies())
      check_setup(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host_.c_str()), host_.c_str());
  } else {
    check_setup(SSL_set_tlsext_host_name(ssl, host_.c_str()), host_.c_str()); // none for addresses
    if (client_->verifies()) {
      SSL_set_hostflags(ssl,
                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
      check_setup(SSL_set1_host(ssl, host_.c_str()), host_.c_str());
    }
  }
  if (const SessionPtr session = client_->sessions().take(session_name()))
    SSL_set_session(ssl, session.get());
}

std::string Connection::session_name() const {
  return host_ + " " + std::to_string(socket_.peer_address().port());
}

void Connection::remember(SSL_SESSION* session) noexcept {
  SessionPtr mine(session);
  try {
    client_->sessions().put(session_name(), std::move(mine));
  } catch (...) { // no memory: it is forgotten
  }
}

} // namespace grove::tls::detail
