// SPDX-License-Identifier: MIT
// OpenSSL's objects, owned; its errors, taken from their queue; its files, read.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include <grove/tls/tls_error.hpp>

namespace grove::tls::detail {

template <auto Free>
struct FreedBy {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
inline void free_chain(STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); }

using SslPtr = std::unique_ptr<SSL, FreedBy<SSL_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, FreedBy<SSL_SESSION_free>>;
using BioPtr = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, FreedBy<X509_free>>;
using ChainPtr = std::unique_ptr<STACK_OF(X509), FreedBy<free_chain>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;

// The error queue belongs to the thread, and so to all greenlets of a hub: it is cleared before a
// call and read right after it, never across a wait.
struct QueuedError {
  unsigned long code = 0;
  std::string text; // of the reason
};
QueuedError take_error(); // the first, which is the cause; the queue is empty afterwards

[[noreturn]] void throw_setup(const std::string& what); // TlsError, with what the queue says
// `result` of OpenSSL's setters, which is 1 or more if all is well.
void check_setup(long result, const char* what);

// All of a small file, wiped when it goes: it may be a key.
class FileText {
public:
  explicit FileText(const std::string& path); // std::system_error
  FileText(const FileText&) = delete;
  FileText& operator=(const FileText&) = delete;
  ~FileText();
  std::string_view text() const { return text_; }

private:
  std::string text_;
};

BioPtr reader_of(std::string_view text);
std::string text_in(BIO* memory);
// All certificates of a text in PEM, in its order; throw_setup(), with `where` first, if there is
// none, or something malformed.
ChainPtr read_certificates(std::string_view pem, const std::string& where);

} // namespace grove::tls::detail
