// SPDX-License-Identifier: MIT
// ServerContext: how a server does TLS.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grove/tls/authorities.hpp>
#include <grove/tls/identity.hpp>
#include <grove/tls/version.hpp>

namespace grove::tls {

namespace detail {
class ServerState;
}

enum class ClientCertificates { none, optional, required };

struct ServerOptions {
  // A client gets those whose names fit the host that it names (SNI), and may choose by the kind of
  // key; the first, if it names none or none fits. At least one.
  std::vector<Identity> identities{};
  // One that is shown must lead to these authorities, also where it is optional.
  ClientCertificates client_certificates = ClientCertificates::none;
  std::optional<Authorities> client_authorities{};
  // The protocols that are spoken, best first. A client that offers others only is refused (RFC
  // 7301); one that offers none is not.
  std::vector<std::string> alpn{};
  Version min_version = Version::tls_1_2;
  Version max_version = Version::tls_1_3;
  std::chrono::milliseconds handshake_timeout{5000};
  // How long a session can be resumed, by tickets that are encrypted with keys which change as
  // often, and are gone with the next reload(). 0: none can.
  std::chrono::seconds ticket_lifetime{7200};
};

// ServerContext is made once and used for all connections of a server. No renegotiation, no
// compression, the server's order of ciphers; security level 2; of TLS 1.2 the ciphers with ECDHE
// and AEAD.
//
// A value that shares what it holds, also what reload() changes: any thread, and hubs may share
// one.
class ServerContext {
public:
  // std::invalid_argument for options that contradict each other; TlsError in Phase::setup for an
  // identity that security level 2 does not allow.
  explicit ServerContext(const ServerOptions& options);

  // Handshakes that begin from now on are made with these options; connections go on with what they
  // began with. Throws as the constructor does, and then nothing has changed.
  void reload(const ServerOptions& options);

  const std::shared_ptr<detail::ServerState>& state() const { return state_; } // grove::tls's own

private:
  std::shared_ptr<detail::ServerState> state_;
};

} // namespace grove::tls
