// SPDX-License-Identifier: MIT
// What the copies of a ClientContext share.
#pragma once

#include <chrono>

#include <grove/tls/client_context.hpp>

#include "openssl.hpp"
#include "session_cache.hpp"

namespace grove::tls::detail {

class ClientState {
public:
  explicit ClientState(const ClientOptions& options);

  SSL_CTX* context() const { return context_.get(); }
  std::chrono::milliseconds handshake_timeout() const { return handshake_timeout_; }
  bool verifies() const { return verifies_; }
  SessionCache& sessions() { return sessions_; }

private:
  ContextPtr context_;
  std::chrono::milliseconds handshake_timeout_;
  bool verifies_;
  SessionCache sessions_;
};

} // namespace grove::tls::detail
