// SPDX-License-Identifier: MIT
// ClientContext: how a client does TLS.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grove/tls/authorities.hpp>
#include <grove/tls/identity.hpp>
#include <grove/tls/version.hpp>

namespace grove::tls {

namespace detail {
class ClientState;
}

struct ClientOptions {
  Authorities authorities = Authorities::system();
  std::optional<Identity> identity{}; // shown to a server that asks for one
  std::vector<std::string> alpn{};    // the protocols that are offered, best first ("http/1.1")
  Version min_version = Version::tls_1_2;
  Version max_version = Version::tls_1_3;
  std::chrono::milliseconds handshake_timeout{5000};
  std::size_t sessions = 256; // how many are remembered to be resumed; 0: none
  // Anybody may answer for the server, and read and change everything.
  bool insecure_accept_any_certificate = false;
};

// ClientContext is made once and used for many connections. The server's certificate must lead to
// one of the authorities and have the name of the host that was meant (RFC 9525: of the alternative
// names only, never of the subject; wildcards stand for one whole label), which is also sent (SNI).
// Ciphers are those of security level 2; of TLS 1.2 those with ECDHE and AEAD. Sessions are resumed
// with the same host and port, each ticket once.
//
// A value that shares what it holds; immutable but for the sessions, which have a lock: any thread,
// and hubs may share one.
class ClientContext {
public:
  // std::invalid_argument for options that contradict each other; TlsError in Phase::setup for an
  // identity that security level 2 does not allow.
  explicit ClientContext(const ClientOptions& options = {});

  const std::shared_ptr<detail::ClientState>& state() const { return state_; } // grove::tls's own

private:
  std::shared_ptr<detail::ClientState> state_;
};

} // namespace grove::tls
