// SPDX-License-Identifier: MIT
// Identities and authorities.
#include "credentials.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <utility>

#include "certificate.hpp"

namespace grove::tls {

// -- Identity -------------------------------------------------------------------------------------

namespace {
// `where` comes first in the texts of errors: "a.pem, a.key: ", or nothing.
std::shared_ptr<const detail::IdentityParts> parse(std::string_view chain, std::string_view key,
                                                   const std::string& where) {
  auto parts = std::make_shared<detail::IdentityParts>();
  parts->chain = detail::read_certificates(chain, where);
  parts->certificate.reset(sk_X509_shift(parts->chain.get()));

  // Without a callback OpenSSL would ask at the terminal.
  bool encrypted = false;
  const auto no_password = [](char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
  };
  parts->key.reset(
      PEM_read_bio_PrivateKey(detail::reader_of(key).get(), nullptr, no_password, &encrypted));
  if (encrypted) {
    ERR_clear_error();
    detail::throw_setup(where + "the private key is encrypted");
  }
  if (parts->key == nullptr)
    detail::throw_setup(where + "the private key is malformed");
  if (X509_check_private_key(parts->certificate.get(), parts->key.get()) != 1)
    detail::throw_setup(where + "the private key is not that of the certificate");
  X509_check_purpose(parts->certificate.get(), -1, 0); // reads its extensions, once for all threads
  ERR_clear_error();
  return parts;
}
} // namespace

Identity Identity::from_files(const std::string& chain_file, const std::string& key_file) {
  const detail::FileText chain(chain_file);
  const detail::FileText key(key_file);
  return Identity(parse(chain.text(), key.text(), chain_file + ", " + key_file + ": "));
}

Identity Identity::from_pem(std::string_view chain, std::string_view key) {
  return Identity(parse(chain, key, ""));
}

Certificate Identity::certificate() const {
  return detail::describe_certificate(parts_->certificate.get());
}

// -- Authorities ----------------------------------------------------------------------------------

Authorities Authorities::system() { return Authorities(nullptr); }

Authorities Authorities::from_file(const std::string& file) {
  const detail::FileText text(file);
  return Authorities(std::make_shared<detail::AuthorityParts>(
      detail::read_certificates(text.text(), file + ": ")));
}

Authorities Authorities::from_pem(std::string_view certificates) {
  return Authorities(
      std::make_shared<detail::AuthorityParts>(detail::read_certificates(certificates, "")));
}

// -- what contexts do with them -------------------------------------------------------------------

namespace detail {

bool IdentityParts::fits(const char* host) const {
  return X509_check_host(certificate.get(), host, 0,
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                         nullptr) == 1;
}

void use(SSL_CTX* context, const Identity& identity) {
  const IdentityParts& parts = *identity.parts();
  check_setup(SSL_CTX_use_cert_and_key(context, parts.certificate.get(), parts.key.get(),
                                       parts.chain.get(), 1),
              "the certificate cannot be used");
}

void trust(SSL_CTX* context, const Authorities& authorities) {
  if (authorities.is_system()) {
    check_setup(SSL_CTX_set_default_verify_paths(context), "the system's authorities");
    ERR_clear_error(); // those that are malformed are passed over
    return;
  }
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const STACK_OF(X509)* all = authorities.parts()->certificates.get();
  for (int i = 0; i < sk_X509_num(all); ++i)
    check_setup(X509_STORE_add_cert(store, sk_X509_value(all, i)), "an authority's certificate");
}

void tell_names(SSL_CTX* context, const Authorities& authorities) {
  if (authorities.is_system())
    return; // a hundred names tell nobody anything
  const STACK_OF(X509)* all = authorities.parts()->certificates.get();
  for (int i = 0; i < sk_X509_num(all); ++i)
    check_setup(SSL_CTX_add_client_CA(context, sk_X509_value(all, i)), "an authority's name");
}

} // namespace detail

} // namespace grove::tls
