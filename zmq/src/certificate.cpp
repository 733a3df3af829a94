// SPDX-License-Identifier: MIT
// Certificate files: who may read them, and how they are replaced.
#include <grove/zmq/certificate.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/thread_pool.hpp>

#include "certificate_text.hpp"

namespace grove::zmq {

namespace {

constexpr std::size_t largest_file = 64 * 1024;

[[noreturn]] void fail(int error, const char* what, const std::string& path,
                       const std::string& why = {}) {
  throw std::system_error(error, std::generic_category(),
                          std::string(what) + " " + path + (why.empty() ? "" : " (" + why + ")"));
}

class Descriptor {
public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

// -- reading: on a thread of the pool ------------------------------------------------------------

std::string read_file(const Descriptor& file, const std::string& path) {
  std::string text(largest_file + 1, '\0'); // so that it does not grow and leave copies
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      fail(errno, "load certificate", path);
    if (count == 0)
      break;
    size += static_cast<std::size_t>(count);
  }
  if (size > largest_file) {
    detail::wipe(text);
    fail(EFBIG, "load certificate", path);
  }
  text.resize(size);
  return text;
}

Certificate load_now(const std::string& path) {
  // A pipe of that name must not hold us up.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about {};
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0)
    fail(errno, "load certificate", path);
  if (!S_ISREG(about.st_mode))
    fail(EINVAL, "load certificate", path, "not a regular file");
  std::string text = read_file(file, path);
  const detail::WipeAtExit wipe(text);
  Certificate result;
  try {
    detail::CertificateText parsed = detail::parse_certificate(text);
    result.public_key = std::move(parsed.public_key);
    result.metadata = std::move(parsed.metadata);
    if (parsed.secret_key)
      result.keys = CurveKeyPair::from_secret(parsed.secret_key->view());
  } catch (const detail::CertificateTextError& error) {
    fail(EBADMSG, "load certificate", path, error.what());
  }
  if (result.keys && (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    fail(EACCES, "load certificate", path, "others may use its secret key; chmod 600");
  if (result.keys && result.keys->public_key() != result.public_key)
    fail(EBADMSG, "load certificate", path, "the secret key belongs to another public key");
  return result;
}

std::vector<Certificate> load_folder_now(const std::string& folder) {
  std::vector<std::string> paths;
  try {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".key")
        paths.push_back(entry.path().string());
    }
  } catch (const std::filesystem::filesystem_error& error) {
    throw std::system_error(error.code(), "load certificates of " + folder);
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Certificate> result;
  result.reserve(paths.size());
  for (const std::string& path : paths)
    result.push_back(load_now(path));
  return result;
}

// -- writing: on a thread of the pool ------------------------------------------------------------

// Written under another name, with the right mode from the first byte on, and then renamed.
void write_file(const std::string& path, std::string_view text, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC)); // O_EXCL, 0600
  if (file.get() < 0)
    fail(errno, "save certificate", path);
  const auto give_up = [&] {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail(error, "save certificate", path);
  };
  while (!text.empty()) {
    const ssize_t count = ::write(file.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      give_up();
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    give_up();
  }
}

void check_metadata(const std::map<std::string, std::string>& metadata) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  for (const auto& [name, value] : metadata) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), plain)) {
      throw std::invalid_argument("grove: Certificate.save: metadata called \"" + name +
                                  "\"; letters, digits, '-', '_' and '.' may be in it");
    }
    if (value.find_first_of(std::string_view("\"\r\n\0", 4)) != std::string::npos) {
      throw std::invalid_argument("grove: Certificate.save: the metadata " + name +
                                  " has a quote or a line break in it");
    }
  }
}

} // namespace

Certificate Certificate::of(CurveKeyPair keys, std::map<std::string, std::string> metadata) {
  Certificate result;
  result.public_key = keys.public_key();
  result.keys = std::move(keys);
  result.metadata = std::move(metadata);
  return result;
}

Certificate Certificate::load(const std::string& path) {
  return run_blocking([path] { return load_now(path); });
}

std::vector<Certificate> load_certificates(const std::string& folder) {
  using Certificates = std::vector<Certificate>; // which only says that it can be copied
  return std::move(
      *run_blocking([folder] { return std::make_unique<Certificates>(load_folder_now(folder)); }));
}

void Certificate::save(const std::string& path) const {
  if (!is_curve_key(public_key) || (keys && keys->public_key() != public_key))
    throw std::invalid_argument("grove: Certificate.save: no public key, or not that of its keys");
  check_metadata(metadata);
  struct Texts {
    detail::Secret open, secret;
  };
  auto texts = std::make_shared<Texts>();
  texts->open = detail::certificate_text(public_key, std::nullopt, metadata);
  if (keys)
    texts->secret = detail::certificate_text(public_key, keys->secret_key(), metadata);
  run_blocking([path, texts = std::shared_ptr<const Texts>(std::move(texts))] {
    if (!texts->secret.view().empty())
      write_file(path + "_secret", texts->secret.view(), 0600);
    write_file(path, texts->open.view(), 0644);
  });
}

} // namespace grove::zmq
