// SPDX-License-Identifier: MIT
// Secret: text that is wiped from memory when it goes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace grove::zmq::detail {

// Overwrites it, in a way that compilers do not leave out, and makes it empty.
void wipe(std::string& text) noexcept;

// A copy of some text, in memory of its own that moves by pointer and is wiped at the end.
class Secret {
public:
  Secret() = default;
  explicit Secret(std::string_view text);
  Secret(Secret&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Secret();

  std::string_view view() const noexcept { return {bytes_.get(), size_}; }
  // Takes the same time wherever they differ, and however long the secret is.
  bool equals(std::string_view attempt) const noexcept;

private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

// Wipes a string at the end of a scope.
class WipeAtExit {
public:
  explicit WipeAtExit(std::string& text) noexcept : text_(text) {}
  WipeAtExit(const WipeAtExit&) = delete;
  WipeAtExit& operator=(const WipeAtExit&) = delete;
  ~WipeAtExit() { wipe(text_); }

private:
  std::string& text_;
};

} // namespace grove::zmq::detail
