// SPDX-License-Identifier: MIT
#include "context.hpp"

#include <openssl/err.h>

#include <cstdint>
#include <stdexcept>

namespace grove::tls::detail {

namespace {

int number_of(Version version) {
  return version == Version::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

// RFC 9325, 4.2, in the order of Mozilla's intermediate profile.
constexpr const char* ciphers_1_2 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";

} // namespace

ContextPtr new_context(const SSL_METHOD* method, Version min, Version max) {
  if (min > max)
    throw std::invalid_argument("grove: TLS: min_version is above max_version");
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(method));
  if (context == nullptr)
    throw_setup("no context");
  SSL_CTX* ctx = context.get();
  check_setup(SSL_CTX_set_min_proto_version(ctx, number_of(min)), "min_version");
  check_setup(SSL_CTX_set_max_proto_version(ctx, number_of(max)), "max_version");
  SSL_CTX_set_security_level(ctx, 2);
  check_setup(SSL_CTX_set_cipher_list(ctx, ciphers_1_2), "ciphers");
  check_setup(SSL_CTX_set_ciphersuites(ctx, ciphers_1_3), "cipher suites");
  check_setup(SSL_CTX_set1_groups_list(ctx, groups), "groups");
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // The system's configuration may say otherwise: an end without close_notify is none.
  SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT |
                                 SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS); // an idle connection has none
  SSL_CTX_set_read_ahead(ctx, 1);                      // one recv(2) for a record, not two
  return context;
}

std::string alpn_list(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255)
      throw std::invalid_argument("grove: TLS: a protocol's name has 1 to 255 bytes, not " +
                                  std::to_string(protocol.size()));
    list += static_cast<char>(static_cast<std::uint8_t>(protocol.size()));
    list += protocol;
  }
  return list;
}

} // namespace grove::tls::detail
