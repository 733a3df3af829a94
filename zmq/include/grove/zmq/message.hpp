// SPDX-License-Identifier: MIT
// Message: one part of a ZeroMQ message, as a block of bytes.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grove::zmq {

// Whatever is a string or a contiguous range of std::byte. Its bytes are copied.
template <class T>
concept TextOrBytes = std::convertible_to<const T&, std::string_view> ||
    std::convertible_to<const T&, std::span<const std::byte>>;

// A Message owns one part's bytes, in libzmq's own form, so that sending and receiving copy
// nothing. It can be moved, not copied; copy() says it aloud. Any thread, one at a time; never
// waits. std::bad_alloc when there is no memory.
class Message {
public:
  // -- construction --------------------------------------------------------------------------
  Message() noexcept; // empty
  // That many bytes, with no particular value: write to mutable_bytes().
  explicit Message(std::size_t size);
  template <TextOrBytes T>
  Message(const T& content) : Message(view(content)) {} // NOLINT: implicit
  Message(Message&& other) noexcept;
  Message& operator=(Message&& other) noexcept;
  ~Message();

  // Takes the buffer over without copying it; worth it from some kilobytes on.
  static Message adopt(std::string&& text);
  static Message adopt(std::vector<std::byte>&& bytes);

  // The same bytes once more; larger ones are shared, not copied.
  Message copy() const;

  // -- properties ----------------------------------------------------------------------------
  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }
  // Good until the message is sent, received into, moved from or destroyed.
  std::span<const std::byte> bytes() const noexcept;
  std::string_view text() const noexcept;
  // Not for one that shares its bytes with a copy.
  std::span<std::byte> mutable_bytes() noexcept;
  // What is known of the connection it came over, such as "Peer-Address", "Socket-Type", "User-Id".
  std::optional<std::string> property(const char* name) const;

  // zmq_msg_t*, for code that calls libzmq itself.
  void* native_handle() noexcept { return storage_; }
  const void* native_handle() const noexcept { return storage_; }

private:
  explicit Message(std::span<const std::byte> content);
  static std::span<const std::byte> view(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
  }
  static std::span<const std::byte> view(std::span<const std::byte> bytes) { return bytes; }
  template <class T>
  static std::span<const std::byte> view(const T& content) {
    if constexpr (std::convertible_to<const T&, std::string_view>) {
      return view(std::string_view(content));
    } else {
      return std::span<const std::byte>(content);
    }
  }

  alignas(void*) std::byte storage_[64]; // a zmq_msg_t
};

// The parts of one message, in order: `socket.send_multipart(multipart(std::move(id), "", body))`.
using Multipart = std::vector<Message>;
template <class... Parts>
requires(sizeof...(Parts) > 0 && (std::constructible_from<Message, Parts&&> && ...)) Multipart
    multipart(Parts&&... parts) {
  Multipart result;
  result.reserve(sizeof...(Parts));
  (result.emplace_back(std::forward<Parts>(parts)), ...);
  return result;
}

} // namespace grove::zmq
