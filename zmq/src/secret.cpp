// SPDX-License-Identifier: MIT
// Wiping, and comparing in constant time.
#include <grove/zmq/detail/secret.hpp>

#include <cstring>

namespace grove::zmq::detail {

void wipe(std::string& text) noexcept {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

Secret::Secret(std::string_view text)
    : bytes_(std::make_unique<char[]>(text.size() + 1)), size_(text.size()) {
  text.copy(bytes_.get(), size_);
}

Secret::~Secret() {
  if (bytes_ != nullptr)
    ::explicit_bzero(bytes_.get(), size_);
}

bool Secret::equals(std::string_view attempt) const noexcept {
  // As many steps as the attempt is long, whatever is in it. The byte after the end is a NUL, so
  // that an empty secret has one to look at, too.
  const std::size_t length = size_ + 1;
  volatile unsigned differences = attempt.size() == size_ ? 0U : 1U;
  for (std::size_t i = 0; i < attempt.size(); ++i) {
    const char expected = bytes_ == nullptr ? '\0' : bytes_[i % length];
    differences = differences | static_cast<unsigned char>(attempt[i] ^ expected);
  }
  return differences == 0;
}

} // namespace grove::zmq::detail
