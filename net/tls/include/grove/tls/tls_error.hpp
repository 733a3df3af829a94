// SPDX-License-Identifier: MIT
// TlsError: what goes wrong in TLS itself. What goes wrong beneath it is a std::system_error.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

namespace grove::tls {

// "TLS handshake with tcp 127.0.0.1:4711 to 127.0.0.1:443 (example.org): the certificate has
// expired". The text names the connection, the host that was meant, and what OpenSSL says.
class TlsError : public std::runtime_error {
public:
  enum class Phase { setup, handshake, receiving, sending };

  enum class Reason {
    // The certificate of the other side, as we see it.
    expired,
    not_yet_valid,
    self_signed,
    unknown_issuer, // no way to an authority that we trust
    wrong_host,     // not a name of the host that was meant
    wrong_purpose,  // not for servers, or not for clients
    revoked,
    weak,            // a key or a digest that is too weak for security level 2
    bad_certificate, // anything else that is wrong with it
    no_certificate,  // the client has shown none

    // The other side.
    truncated,   // it ended without saying so: what came may be cut short, by anybody
    not_tls,     // it talks something else
    no_version,  // no version of the protocol in common
    no_cipher,   // no cipher suite in common
    no_protocol, // ALPN: no protocol in common
    refused,     // it has sent an alert: see alert()
    protocol,    // it breaks the protocol in another way, or somebody has changed its bytes

    // Our own certificates and options (Phase::setup).
    setup,
  };

  TlsError(Phase phase, Reason reason, std::string peer, const std::string& what,
           std::optional<int> alert = {});

  Phase phase() const { return phase_; }
  Reason reason() const { return reason_; }
  // Whether it is about the other side's certificate: one of the first ten.
  bool is_verification() const { return reason_ <= Reason::no_certificate; }
  // The connection, and the host that was meant; empty in setup.
  const std::string& peer() const { return peer_; }
  // The alert that came from the other side, as RFC 8446, section 6, numbers them.
  std::optional<int> alert() const { return alert_; }

private:
  Phase phase_;
  Reason reason_;
  std::optional<int> alert_;
  std::string peer_;
};

const char* to_string(TlsError::Phase phase);
const char* to_string(TlsError::Reason reason);

} // namespace grove::tls
