// SPDX-License-Identifier: MIT
// Identity: the certificate that one shows, and the key that proves it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <grove/tls/certificate.hpp>

namespace grove::tls {

namespace detail {
struct IdentityParts;
}

// Identity is a certificate with the private key to it, and the certificates that lead from there
// to an authority. A value that shares what it holds; immutable, any thread. The key's memory is
// wiped when the last copy goes.
class Identity {
public:
  // Files in PEM: the certificate comes first in its file. They are small and read at once, without
  // giving way. std::system_error names the file that cannot be read; TlsError in Phase::setup for
  // one that is malformed, a key that is encrypted, and a key that is not the certificate's.
  static Identity from_files(const std::string& chain_file, const std::string& key_file);
  static Identity from_pem(std::string_view chain, std::string_view key);

  Certificate certificate() const;

  const std::shared_ptr<const detail::IdentityParts>& parts() const { return parts_; } // grove::tls

private:
  explicit Identity(std::shared_ptr<const detail::IdentityParts> parts)
      : parts_(std::move(parts)) {}
  std::shared_ptr<const detail::IdentityParts> parts_;
};

} // namespace grove::tls
