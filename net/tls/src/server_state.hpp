// SPDX-License-Identifier: MIT
// What the copies of a ServerContext share.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <grove/tls/server_context.hpp>

#include "openssl.hpp"
#include "ticket_keys.hpp"

namespace grove::tls::detail {

// All that a handshake needs. Never changed; connections hold the one that they began with, since
// OpenSSL's callbacks use it.
class ServerConfig {
public:
  explicit ServerConfig(const ServerOptions& options);
  ServerConfig(const ServerConfig&) = delete;
  ServerConfig& operator=(const ServerConfig&) = delete;

  SSL_CTX* context() const { return context_.get(); }
  std::chrono::milliseconds handshake_timeout() const { return handshake_timeout_; }

private:
  void choose_identities(const ServerOptions& options);
  void ask_for_certificates(const ServerOptions& options);
  void choose_protocols(const ServerOptions& options);
  void make_tickets(const ServerOptions& options);

  ContextPtr context_;
  std::chrono::milliseconds handshake_timeout_;
  std::vector<Identity> identities_;
  std::string alpn_; // as RFC 7301 writes it
  mutable TicketKeys tickets_;
};

class ServerState {
public:
  explicit ServerState(const ServerOptions& options)
      : config_(std::make_shared<const ServerConfig>(options)) {}

  void reload(const ServerOptions& options) {
    auto config = std::make_shared<const ServerConfig>(options); // the old one stays if this throws
    const std::lock_guard lock(mutex_);
    config_.swap(config); // and goes, with its keys, where nobody waits for the lock
  }
  std::shared_ptr<const ServerConfig> config() const {
    const std::lock_guard lock(mutex_);
    return config_;
  }

private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ServerConfig> config_;
};

} // namespace grove::tls::detail
