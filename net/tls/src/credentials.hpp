// SPDX-License-Identifier: MIT
// What Identity and Authorities hold.
#pragma once

#include <utility>

#include <grove/tls/authorities.hpp>
#include <grove/tls/identity.hpp>

#include "openssl.hpp"

namespace grove::tls::detail {

struct IdentityParts {
  X509Ptr certificate;
  ChainPtr chain; // what leads from it to an authority
  KeyPtr key;

  bool fits(const char* host) const;
};

struct AuthorityParts {
  explicit AuthorityParts(ChainPtr all) : certificates(std::move(all)) {}
  ChainPtr certificates;
};

// They throw TlsError in Phase::setup.
void use(SSL_CTX* context, const Identity& identity);
void trust(SSL_CTX* context, const Authorities& authorities);
// The names that clients are told, so that they know which of their certificates to show.
void tell_names(SSL_CTX* context, const Authorities& authorities);

} // namespace grove::tls::detail
