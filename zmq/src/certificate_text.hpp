// SPDX-License-Identifier: MIT
// The text of a certificate file: ZPL (RFC 4) with the sections "metadata" and "curve".
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <grove/zmq/detail/secret.hpp>

namespace grove::zmq::detail {

struct CertificateText {
  std::string public_key;
  std::optional<Secret> secret_key;
  std::map<std::string, std::string> metadata;
};

// What is wrong, and in which line: "line 7: public-key is not 40 characters of Z85".
struct CertificateTextError : std::runtime_error {
  using runtime_error::runtime_error;
};

// Sections and names that it does not know are passed over, as other readers do.
CertificateText parse_certificate(std::string_view text);

// With the secret key, if one is given.
Secret certificate_text(std::string_view public_key, std::optional<std::string_view> secret_key,
                        const std::map<std::string, std::string>& metadata);

} // namespace grove::zmq::detail
