// SPDX-License-Identifier: MIT
// ServerContext.
#include <grove/tls/server_context.hpp>

#include <openssl/err.h>

#include <stdexcept>
#include <utility>

#include "context.hpp"
#include "credentials.hpp"
#include "server_state.hpp"

namespace grove::tls {

ServerContext::ServerContext(const ServerOptions& options)
    : state_(std::make_shared<detail::ServerState>(options)) {}

void ServerContext::reload(const ServerOptions& options) { state_->reload(options); }

namespace detail {

namespace {

const ServerConfig* config_of(SSL* ssl) {
  return static_cast<const ServerConfig*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

int select_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void* list) noexcept {
  const auto& ours = *static_cast<const std::string*>(list);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// Puts those in the place of the context's that fit the host which the client names.
int choose_identity(SSL* ssl, void* identities) noexcept {
  const char* host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (host == nullptr)
    return 1;
  bool chosen = false;
  for (const Identity& identity : *static_cast<const std::vector<Identity>*>(identities)) {
    const IdentityParts& parts = *identity.parts();
    if (!parts.fits(host))
      continue;
    if (!std::exchange(chosen, true))
      SSL_certs_clear(ssl);
    if (SSL_use_cert_and_key(ssl, parts.certificate.get(), parts.key.get(), parts.chain.get(), 1) !=
        1)
      return 0;
  }
  return 1;
}

} // namespace

ServerConfig::ServerConfig(const ServerOptions& options)
    : context_(new_context(TLS_server_method(), options.min_version, options.max_version)),
      handshake_timeout_(options.handshake_timeout), identities_(options.identities),
      tickets_(options.ticket_lifetime) {
  if (identities_.empty())
    throw std::invalid_argument("grove: TLS: a server needs an identity");
  SSL_CTX_set_app_data(context_.get(), this);
  choose_identities(options);
  ask_for_certificates(options);
  choose_protocols(options);
  make_tickets(options);
  ERR_clear_error();
}

void ServerConfig::choose_identities(const ServerOptions& options) {
  const ContextPtr scratch =
      new_context(TLS_server_method(), options.min_version, options.max_version);
  use(context_.get(), identities_.front());
  for (const Identity& identity : identities_) // one that cannot be used is found now
    use(scratch.get(), identity);
  if (identities_.size() > 1)
    SSL_CTX_set_cert_cb(context_.get(), choose_identity, &identities_);
}

void ServerConfig::ask_for_certificates(const ServerOptions& options) {
  SSL_CTX* context = context_.get();
  if (options.client_certificates == ClientCertificates::none) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return;
  }
  if (!options.client_authorities)
    throw std::invalid_argument("grove: TLS: client certificates without client_authorities");
  trust(context, *options.client_authorities);
  tell_names(context, *options.client_authorities);
  const bool required = options.client_certificates == ClientCertificates::required;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
}

void ServerConfig::choose_protocols(const ServerOptions& options) {
  alpn_ = alpn_list(options.alpn);
  if (!alpn_.empty())
    SSL_CTX_set_alpn_select_cb(context_.get(), select_protocol, &alpn_);
}

void ServerConfig::make_tickets(const ServerOptions& options) {
  SSL_CTX* context = context_.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); // the client keeps what there is
  if (options.ticket_lifetime <= std::chrono::seconds(0)) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    check_setup(SSL_CTX_set_num_tickets(context, 0), "tickets");
    return;
  }
  SSL_CTX_set_timeout(context, static_cast<long>(options.ticket_lifetime.count()));
  static constexpr unsigned char id[] =
      "grove"; // a session with a certificate must belong somewhere
  check_setup(SSL_CTX_set_session_id_context(context, id, sizeof id - 1), "session context");
  const auto prepare = [](SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                          EVP_MAC_CTX* mac, int seal) noexcept {
    TicketKeys& keys = config_of(ssl)->tickets_;
    if (seal == 1)
      return keys.prepare(TicketKeys::Use::seal, name, iv, cipher, mac);
    const int result = keys.prepare(TicketKeys::Use::open, name, iv, cipher, mac);
    // A ticket of TLS 1.3 is used once: the client needs another.
    return result == 1 && SSL_version(ssl) == TLS1_3_VERSION ? 2 : result;
  };
  check_setup(SSL_CTX_set_tlsext_ticket_key_evp_cb(context, prepare), "ticket keys");
}

} // namespace detail

} // namespace grove::tls
