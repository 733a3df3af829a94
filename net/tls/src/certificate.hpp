// SPDX-License-Identifier: MIT
// From OpenSSL's certificates to ours.
#pragma once

#include <grove/tls/certificate.hpp>

#include "openssl.hpp"

namespace grove::tls::detail {

Certificate describe_certificate(X509* x509);

} // namespace grove::tls::detail
