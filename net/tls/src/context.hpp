// SPDX-License-Identifier: MIT
// What the contexts of clients and servers have in common.
#pragma once

#include <string>
#include <vector>

#include <grove/tls/version.hpp>

#include "openssl.hpp"

namespace grove::tls::detail {

// Versions, ciphers, options and modes as docs/tls.md tells them. std::invalid_argument if
// there is no version between the two.
ContextPtr new_context(const SSL_METHOD* method, Version min, Version max);

// A list of protocols as RFC 7301 writes it; std::invalid_argument for a name that is empty or has
// more than 255 bytes.
std::string alpn_list(const std::vector<std::string>& protocols);

} // namespace grove::tls::detail
