// SPDX-License-Identifier: MIT
// Certificates that tests make for themselves: nothing in the tree expires.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/tls/authorities.hpp>
#include <grove/tls/identity.hpp>

#include "../support/temporary_file.hpp"

namespace grove::test {

// What is to stand in a certificate.
struct Wanted {
  std::string name = "localhost";                                     // the subject's
  std::vector<std::string> names = {"DNS:localhost", "IP:127.0.0.1"}; // empty: none
  std::chrono::hours from{-1};                                        // from now
  std::chrono::hours until{24};
  std::string purpose = "serverAuth";
  int rsa_bits = 0; // 0: an elliptic curve
  bool authority = false;
};

// A certificate with its key, in PEM: `chain` has those below the root, too.
class Issued {
public:
  using KeyPtr = std::shared_ptr<EVP_PKEY>;
  using CertificatePtr = std::shared_ptr<X509>;

  Issued(CertificatePtr certificate, KeyPtr key, const std::string& above = {})
      : certificate_(std::move(certificate)), key_(std::move(key)) {
    chain = write([&](BIO* bio) { PEM_write_bio_X509(bio, certificate_.get()); }) + above;
    private_key = write([&](BIO* bio) {
      PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  std::string chain;
  std::string private_key;

  tls::Identity identity() const { return tls::Identity::from_pem(chain, private_key); }
  tls::Authorities authorities() const { return tls::Authorities::from_pem(chain); }
  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

private:
  template <class F>
  static std::string write(F f) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    f(bio.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
  CertificatePtr certificate_;
  KeyPtr key_;
};

// Signed by `issuer`, or by itself.
inline Issued issue(const Wanted& wanted, const Issued* issuer = nullptr) {
  static std::atomic<long> serial = 1000;
  const auto must = [](long ok, const char* what) {
    if (ok <= 0)
      throw std::runtime_error(std::string("a test's certificate: ") + what);
  };
  const Issued::KeyPtr key(wanted.rsa_bits != 0
                               ? EVP_RSA_gen(static_cast<unsigned>(wanted.rsa_bits))
                               : EVP_EC_gen("P-256"),
                           EVP_PKEY_free);
  const Issued::CertificatePtr made(X509_new(), X509_free);
  X509* x509 = made.get();
  must(X509_set_version(x509, X509_VERSION_3), "version");
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  const auto seconds = [](std::chrono::hours h) {
    return static_cast<long>(std::chrono::seconds(h).count());
  };
  X509_gmtime_adj(X509_getm_notBefore(x509), seconds(wanted.from));
  X509_gmtime_adj(X509_getm_notAfter(x509), seconds(wanted.until));
  must(X509_set_pubkey(x509, key.get()), "key");
  X509_NAME* subject = X509_get_subject_name(x509);
  must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(wanted.name.c_str()), -1,
                                  -1, 0),
       "subject");
  X509* above = issuer == nullptr ? x509 : issuer->certificate();
  must(X509_set_issuer_name(x509, X509_get_subject_name(above)), "issuer");

  const auto add = [&](int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, above, x509, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free);
    must(extension != nullptr && X509_add_ext(x509, extension.get(), -1) == 1, value.c_str());
  };
  add(NID_basic_constraints, wanted.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add(NID_key_usage,
      wanted.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  add(NID_subject_key_identifier, "hash");
  if (!wanted.authority) {
    add(NID_ext_key_usage, wanted.purpose);
    std::string names;
    for (const std::string& name : wanted.names)
      names += (names.empty() ? "" : ",") + name;
    if (!names.empty())
      add(NID_subject_alt_name, names);
  }
  must(X509_sign(x509, issuer == nullptr ? key.get() : issuer->key(), EVP_sha256()), "signature");
  // A root need not be sent.
  const bool root = issuer == nullptr ||
                    X509_NAME_cmp(X509_get_subject_name(above), X509_get_issuer_name(above)) == 0;
  return {made, key, root ? std::string() : issuer->chain};
}

inline Issued authority(const std::string& name, const Issued* issuer = nullptr) {
  return issue({.name = name, .authority = true}, issuer);
}

// Files for programs that read nothing else.
struct IdentityFiles {
  explicit IdentityFiles(const Issued& issued) : chain(issued.chain), key(issued.private_key) {}
  TemporaryFile chain, key;
};

} // namespace grove::test
