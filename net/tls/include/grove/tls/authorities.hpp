// SPDX-License-Identifier: MIT
// Authorities: whom one trusts to say who is who.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace grove::tls {

namespace detail {
struct AuthorityParts;
}

// Authorities are the certificates that others' must lead to. A value that shares what it holds;
// immutable, any thread.
class Authorities {
public:
  // Those of the system (OpenSSL's default places, which SSL_CERT_FILE and SSL_CERT_DIR change).
  static Authorities system();
  // Those of a file or a text in PEM, one or more, and no others. std::system_error names the file
  // that cannot be read; TlsError in Phase::setup for one that is malformed or empty.
  static Authorities from_file(const std::string& file);
  static Authorities from_pem(std::string_view certificates);

  bool is_system() const { return parts_ == nullptr; }
  const std::shared_ptr<const detail::AuthorityParts>& parts() const {
    return parts_;
  } // grove::tls

private:
  explicit Authorities(std::shared_ptr<const detail::AuthorityParts> parts)
      : parts_(std::move(parts)) {}
  std::shared_ptr<const detail::AuthorityParts> parts_;
};

} // namespace grove::tls
