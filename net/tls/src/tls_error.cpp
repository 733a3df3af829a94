// SPDX-License-Identifier: MIT
// TlsError.
#include <grove/tls/tls_error.hpp>

#include <utility>

namespace grove::tls {

namespace {
std::string text(TlsError::Phase phase, const std::string& peer, const std::string& what) {
  switch (phase) {
  case TlsError::Phase::setup:
    return "TLS: " + what;
  case TlsError::Phase::handshake:
    return "TLS handshake with " + peer + ": " + what;
  case TlsError::Phase::receiving:
    return "receive on " + peer + ": " + what;
  case TlsError::Phase::sending:
    return "send on " + peer + ": " + what;
  }
  return what;
}
} // namespace

TlsError::TlsError(Phase phase, Reason reason, std::string peer, const std::string& what,
                   std::optional<int> alert)
    : runtime_error(text(phase, peer, what)), phase_(phase), reason_(reason), alert_(alert),
      peer_(std::move(peer)) {}

const char* to_string(TlsError::Phase phase) {
  switch (phase) {
  case TlsError::Phase::setup:
    return "setup";
  case TlsError::Phase::handshake:
    return "handshake";
  case TlsError::Phase::receiving:
    return "receiving";
  case TlsError::Phase::sending:
    return "sending";
  }
  return "?";
}

const char* to_string(TlsError::Reason reason) {
  switch (reason) {
  case TlsError::Reason::expired:
    return "expired";
  case TlsError::Reason::not_yet_valid:
    return "not yet valid";
  case TlsError::Reason::self_signed:
    return "self-signed";
  case TlsError::Reason::unknown_issuer:
    return "unknown issuer";
  case TlsError::Reason::wrong_host:
    return "wrong host";
  case TlsError::Reason::wrong_purpose:
    return "wrong purpose";
  case TlsError::Reason::revoked:
    return "revoked";
  case TlsError::Reason::weak:
    return "weak";
  case TlsError::Reason::bad_certificate:
    return "bad certificate";
  case TlsError::Reason::no_certificate:
    return "no certificate";
  case TlsError::Reason::truncated:
    return "truncated";
  case TlsError::Reason::not_tls:
    return "not TLS";
  case TlsError::Reason::no_version:
    return "no common version";
  case TlsError::Reason::no_cipher:
    return "no common cipher";
  case TlsError::Reason::no_protocol:
    return "no common protocol";
  case TlsError::Reason::refused:
    return "refused by the peer";
  case TlsError::Reason::protocol:
    return "protocol";
  case TlsError::Reason::setup:
    return "setup";
  }
  return "?";
}

} // namespace grove::tls
