// SPDX-License-Identifier: MIT
#include "failure.hpp"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <optional>

namespace grove::tls::detail {

namespace {

using Reason = TlsError::Reason;

Reason reason_of_certificate(long result) {
  switch (result) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return Reason::expired;
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return Reason::not_yet_valid;
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    return Reason::self_signed;
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_CERT_UNTRUSTED:
    return Reason::unknown_issuer;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return Reason::wrong_host;
  case X509_V_ERR_INVALID_PURPOSE:
    return Reason::wrong_purpose;
  case X509_V_ERR_CERT_REVOKED:
    return Reason::revoked;
  case X509_V_ERR_EE_KEY_TOO_SMALL:
  case X509_V_ERR_CA_KEY_TOO_SMALL:
  case X509_V_ERR_CA_MD_TOO_WEAK:
    return Reason::weak;
  default:
    return Reason::bad_certificate;
  }
}

Reason reason_of_protocol(int reason) {
  switch (reason) {
  case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    return Reason::no_certificate;
  case SSL_R_WRONG_VERSION_NUMBER:
  case SSL_R_HTTP_REQUEST:
  case SSL_R_HTTPS_PROXY_REQUEST:
  case SSL_R_PACKET_LENGTH_TOO_LONG:
  case SSL_R_UNKNOWN_PROTOCOL:
    return Reason::not_tls;
  case SSL_R_UNSUPPORTED_PROTOCOL:
  case SSL_R_NO_PROTOCOLS_AVAILABLE:
  case SSL_R_VERSION_TOO_LOW:
    return Reason::no_version;
  case SSL_R_NO_SHARED_CIPHER:
  case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
  case SSL_R_NO_SUITABLE_KEY_SHARE:
  case SSL_R_NO_SUITABLE_GROUPS:
    return Reason::no_cipher;
  case SSL_R_NO_APPLICATION_PROTOCOL:
    return Reason::no_protocol;
  default:
    return Reason::protocol;
  }
}

} // namespace

TlsError describe_failure(const SSL* ssl, TlsError::Phase phase, const std::string& peer,
                          bool at_end) {
  const unsigned long last = ERR_peek_last_error(); // what OpenSSL was at, on top of what was wrong
  const QueuedError error = take_error();
  const int reason = ERR_GET_REASON(error.code);
  const bool of_ssl = ERR_GET_LIB(error.code) == ERR_LIB_SSL;
  if (of_ssl && reason > SSL_AD_REASON_OFFSET) { // an alert that came
    const int alert = reason - SSL_AD_REASON_OFFSET;
    const bool early = phase == TlsError::Phase::handshake;
    const Reason why = early && alert == SSL_AD_NO_APPLICATION_PROTOCOL ? Reason::no_protocol
                       : early && alert == SSL_AD_PROTOCOL_VERSION      ? Reason::no_version
                                                                        : Reason::refused;
    return {phase, why, peer,
            "the peer has refused: " + std::string(SSL_alert_desc_string_long(alert)), alert};
  }
  if (of_ssl && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const long result = SSL_get_verify_result(ssl);
    return {phase, reason_of_certificate(result), peer,
            "its certificate: " + std::string(X509_verify_cert_error_string(result))};
  }
  if (ERR_GET_LIB(last) == ERR_LIB_SSL && ERR_GET_REASON(last) == ERR_R_ASN1_LIB) {
    return {phase, Reason::bad_certificate, peer, "its certificate is malformed: " + error.text};
  }
  if (at_end && (error.code == 0 || (of_ssl && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING))) {
    return {phase, Reason::truncated, peer,
            "truncated: the connection ended without a close_notify"};
  }
  return {phase, of_ssl ? reason_of_protocol(reason) : Reason::protocol, peer,
          error.code == 0 ? "OpenSSL gives no reason" : error.text};
}

} // namespace grove::tls::detail
