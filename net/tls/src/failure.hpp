// SPDX-License-Identifier: MIT
// From OpenSSL's errors to TlsError.
#pragma once

#include <string>

#include <grove/tls/tls_error.hpp>

#include "openssl.hpp"

namespace grove::tls::detail {

// What a call on `ssl` has just failed with. `at_end`: the peer has closed the connection.
TlsError describe_failure(const SSL* ssl, TlsError::Phase phase, const std::string& peer,
                          bool at_end);

} // namespace grove::tls::detail
