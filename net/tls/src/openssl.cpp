// SPDX-License-Identifier: MIT
#include "openssl.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <system_error>

namespace grove::tls::detail {

QueuedError take_error() {
  QueuedError error;
  const char* data = nullptr;
  int flags = 0;
  error.code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags);
  if (error.code != 0) {
    const char* reason = ERR_reason_error_string(error.code);
    error.text = reason != nullptr ? reason : "OpenSSL error " + std::to_string(error.code);
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0')
      error.text += " (" + std::string(data) + ")";
  }
  ERR_clear_error();
  return error;
}

void throw_setup(const std::string& what) {
  const QueuedError error = take_error();
  throw TlsError(TlsError::Phase::setup, TlsError::Reason::setup, "",
                 error.code == 0 ? what : what + ": " + error.text);
}

void check_setup(long result, const char* what) {
  if (result <= 0)
    throw_setup(what);
}

FileText::FileText(const std::string& path) {
  constexpr std::size_t limit = 16 << 20; // a system's store has a quarter of a megabyte
  const auto fail = [&](int error) {
    throw std::system_error(error, std::system_category(), "read " + path);
  };
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    fail(errno);
  const struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct stat info {};
  if (fstat(fd, &info) != 0)
    fail(errno);
  if (!S_ISREG(info.st_mode)) // others may let us wait
    fail(S_ISDIR(info.st_mode) ? EISDIR : ESPIPE);
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > limit)
    fail(EFBIG);
  text_.resize(size); // once: no copy of a key is left behind
  std::size_t have = 0;
  while (have < text_.size()) {
    const ssize_t n = ::read(fd, text_.data() + have, text_.size() - have);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      fail(errno);
    if (n == 0)
      break;
    have += static_cast<std::size_t>(n);
  }
  text_.resize(have);
}

FileText::~FileText() { OPENSSL_cleanse(text_.data(), text_.size()); }

BioPtr reader_of(std::string_view text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw_setup("a text of more than 2 GiB");
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio == nullptr)
    throw_setup("no memory");
  return bio;
}

std::string text_in(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

ChainPtr read_certificates(std::string_view pem, const std::string& where) {
  ERR_clear_error();
  const BioPtr bio = reader_of(pem);
  ChainPtr chain(sk_X509_new_null());
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (sk_X509_push(chain.get(), certificate) == 0) {
      X509_free(certificate);
      throw_setup("no memory");
    }
  }
  // The end of the text is told as an error, too.
  const unsigned long last = ERR_peek_last_error();
  if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
    throw_setup(where + "a certificate is malformed");
  ERR_clear_error();
  if (sk_X509_num(chain.get()) == 0)
    throw_setup(where + "there is no certificate in it");
  return chain;
}

} // namespace grove::tls::detail
