// SPDX-License-Identifier: MIT
// What certificates say.
#include "certificate.hpp"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

namespace grove::tls {

namespace detail {

namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreedBy<GENERAL_NAMES_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, FreedBy<BN_free>>;

std::string name_text(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  return text_in(bio.get());
}

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1)
    return {};
  return std::chrono::system_clock::from_time_t(timegm(&fields));
}

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

std::string serial_of(const X509* x509) {
  const NumberPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), nullptr));
  if (number == nullptr)
    return {};
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  return hexadecimal(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::vector<std::string> names_of(const X509* x509) {
  std::vector<std::string> names;
  const NamesPtr all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD)
      continue;
    const ASN1_STRING* value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const unsigned char* bytes = ASN1_STRING_get0_data(value);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
    if (name->type == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(bytes), size);
      continue;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (size == 4 || size == 16)
      names.emplace_back(
          inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text.data(), text.size()));
  }
  return names;
}

} // namespace

Certificate describe_certificate(X509* x509) {
  Certificate result;
  result.subject = name_text(X509_get_subject_name(x509));
  result.issuer = name_text(X509_get_issuer_name(x509));
  result.serial = serial_of(x509);
  result.names = names_of(x509);
  result.not_before = time_of(X509_get0_notBefore(x509));
  result.not_after = time_of(X509_get0_notAfter(x509));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(x509, EVP_sha256(), digest.data(), &size) == 1)
    result.fingerprint = hexadecimal(digest.data(), size);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), x509);
  result.pem = text_in(bio.get());
  ERR_clear_error();
  return result;
}

} // namespace detail

Certificate Certificate::parse(std::string_view text) {
  const detail::ChainPtr chain = detail::read_certificates(text, "");
  return detail::describe_certificate(sk_X509_value(chain.get(), 0));
}

} // namespace grove::tls
