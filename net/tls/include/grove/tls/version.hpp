// SPDX-License-Identifier: MIT
// Version: of the protocol.
#pragma once

namespace grove::tls {

// What comes before is refused by both sides (RFC 9325).
enum class Version { tls_1_2, tls_1_3 };

constexpr const char* to_string(Version version) {
  return version == Version::tls_1_2 ? "TLS 1.2" : "TLS 1.3";
}

} // namespace grove::tls
