// SPDX-License-Identifier: MIT
// Message: one part of a ZeroMQ message, as a block of bytes.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace grove::zmq {

namespace detail {

struct SocketState;

template <class T>
inline constexpr bool is_smart_pointer = false;
template <class T>
inline constexpr bool is_smart_pointer<std::shared_ptr<T>> = true;
template <class T, class Deleter>
inline constexpr bool is_smart_pointer<std::unique_ptr<T, Deleter>> = true;

// The owner of borrowed bytes, as long as a message needs it.
template <class Owner>
class Kept {
public:
  explicit Kept(Owner&& owner) noexcept : owner_(std::move(owner)) {}
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    if constexpr (std::invocable<Owner&>)
      std::invoke(owner_);
  }
  static void release(void*, void* self) noexcept { delete static_cast<Kept*>(self); }

private:
  Owner owner_;
};

} // namespace detail

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

  // A message of bytes that stay where they are, unchanged, until `owner` is released: a
  // shared_ptr or unique_ptr that is dropped, or a callable that is called, and may not throw.
  // That happens exactly once, when the last Message with these bytes is gone, sent or not, and on
  // whichever thread that is: libzmq's own, mostly. It must not wait there, nor call a hub or a
  // socket; Hub::post and AsyncResult::set are for such threads. If borrow throws std::bad_alloc,
  // the owner has been released.
  template <class Owner>
  static Message borrow(std::span<const std::byte> bytes, Owner owner);

  // The same bytes once more; larger ones are shared, not copied.
  Message copy() const;

  // -- properties ----------------------------------------------------------------------------
  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }
  // Good until the message is sent, received into, moved from or destroyed.
  std::span<const std::byte> bytes() const noexcept;
  std::string_view text() const noexcept;
  // Not for one that shares its bytes with a copy, or has borrowed them.
  std::span<std::byte> mutable_bytes() noexcept;
  // What is known of the connection it came over, such as "Peer-Address", "Socket-Type", "User-Id".
  std::optional<std::string> property(const char* name) const;

  // zmq_msg_t*, for code that calls libzmq itself.
  void* native_handle() noexcept { return storage_; }
  const void* native_handle() const noexcept { return storage_; }

private:
  friend class Socket; // sends the view of text and bytes
  friend struct detail::SocketState;
  explicit Message(std::span<const std::byte> content);
  // libzmq's zmq_msg_init_data; on std::bad_alloc nothing is released.
  static Message of_data(std::span<const std::byte> bytes, void (*release)(void* data, void* hint),
                         void* hint);
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

template <class Owner>
Message Message::borrow(std::span<const std::byte> bytes, Owner owner) {
  using Kept = detail::Kept<Owner>;
  static_assert(std::invocable<Owner&> || detail::is_smart_pointer<Owner>,
                "grove: Message::borrow: the owner is a shared_ptr, a unique_ptr or a callable "
                "that releases the bytes; to give away a string or a vector there is adopt()");
  if constexpr (std::invocable<Owner&>)
    static_assert(std::is_nothrow_invocable_v<Owner&>,
                  "grove: Message::borrow: libzmq calls it, from a thread of its own, where "
                  "nothing can be thrown: [...]() noexcept { ... }");
  static_assert(std::is_nothrow_move_constructible_v<Owner>,
                "grove: Message::borrow: the owner must move without throwing");
  auto* kept = new (std::nothrow) Kept(std::move(owner));
  if (kept == nullptr) {
    const Kept release_now(std::move(owner)); // NOLINT: nothing was moved yet
    throw std::bad_alloc();
  }
  try {
    return of_data(bytes, &Kept::release, kept);
  } catch (...) {
    delete kept;
    throw;
  }
}

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
