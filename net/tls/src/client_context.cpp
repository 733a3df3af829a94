// SPDX-License-Identifier: MIT
// ClientContext.
#include <grove/tls/client_context.hpp>

#include <openssl/err.h>

#include "client_state.hpp"
#include "connection.hpp"
#include "context.hpp"
#include "credentials.hpp"

namespace grove::tls {

ClientContext::ClientContext(const ClientOptions& options)
    : state_(std::make_shared<detail::ClientState>(options)) {}

namespace detail {

ClientState::ClientState(const ClientOptions& options)
    : context_(new_context(TLS_client_method(), options.min_version, options.max_version)),
      handshake_timeout_(options.handshake_timeout),
      verifies_(!options.insecure_accept_any_certificate), sessions_(options.sessions) {
  SSL_CTX* context = context_.get();
  if (verifies_)
    trust(context, options.authorities);
  SSL_CTX_set_verify(context, verifies_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (options.identity)
    use(context, *options.identity);

  const std::string alpn = alpn_list(options.alpn);
  if (!alpn.empty() &&
      SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(alpn.data()),
                              static_cast<unsigned>(alpn.size())) != 0)
    throw_setup("alpn");

  if (options.sessions == 0) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) noexcept {
      Connection::of(ssl).remember(session);
      return 1;
    });
  }
  ERR_clear_error();
}

} // namespace detail

} // namespace grove::tls
