// SPDX-License-Identifier: MIT
// Message over zmq_msg_t.
#include <grove/zmq/message.hpp>

#include <zmq.h>

#include <cstring>
#include <memory>
#include <new>

namespace grove::zmq {

namespace {

zmq_msg_t* raw(Message& message) noexcept {
  return static_cast<zmq_msg_t*>(message.native_handle());
}
// libzmq takes no pointer to const, and changes nothing.
zmq_msg_t* raw(const Message& message) noexcept {
  return const_cast<zmq_msg_t*>(static_cast<const zmq_msg_t*>(message.native_handle()));
}

} // namespace

Message::Message() noexcept {
  static_assert(sizeof storage_ == sizeof(zmq_msg_t) && alignof(Message) >= alignof(zmq_msg_t));
  zmq_msg_init(raw(*this));
}

Message::Message(std::size_t size) {
  if (zmq_msg_init_size(raw(*this), size) != 0)
    throw std::bad_alloc();
}

Message::Message(std::span<const std::byte> content) : Message(content.size()) {
  if (!content.empty())
    std::memcpy(zmq_msg_data(raw(*this)), content.data(), content.size());
}

Message::Message(Message&& other) noexcept : Message() { zmq_msg_move(raw(*this), raw(other)); }

Message& Message::operator=(Message&& other) noexcept {
  if (this != &other)
    zmq_msg_move(raw(*this), raw(other));
  return *this;
}

Message::~Message() { zmq_msg_close(raw(*this)); }

Message Message::of_data(std::span<const std::byte> bytes, void (*release)(void* data, void* hint),
                         void* hint) {
  Message message;
  // Not written to: mutable_bytes() says for which messages it is.
  void* data = const_cast<std::byte*>(bytes.data());
  if (zmq_msg_init_data(raw(message), data, bytes.size(), release, hint) != 0) {
    zmq_msg_init(raw(message));
    throw std::bad_alloc();
  }
  return message;
}

Message Message::adopt(std::string&& text) {
  auto owner = std::make_unique<std::string>(std::move(text));
  const auto bytes = view(std::string_view(*owner));
  return borrow(bytes, std::move(owner));
}
Message Message::adopt(std::vector<std::byte>&& bytes) {
  auto owner = std::make_unique<std::vector<std::byte>>(std::move(bytes));
  const std::span<const std::byte> content(*owner);
  return borrow(content, std::move(owner));
}

Message Message::copy() const {
  Message result;
  if (zmq_msg_copy(raw(result), raw(*this)) != 0)
    throw std::bad_alloc();
  return result;
}

std::size_t Message::size() const noexcept { return zmq_msg_size(raw(*this)); }

std::span<const std::byte> Message::bytes() const noexcept {
  return {static_cast<const std::byte*>(zmq_msg_data(raw(*this))), size()};
}

std::string_view Message::text() const noexcept {
  return {static_cast<const char*>(zmq_msg_data(raw(*this))), size()};
}

std::span<std::byte> Message::mutable_bytes() noexcept {
  return {static_cast<std::byte*>(zmq_msg_data(raw(*this))), size()};
}

std::optional<std::string> Message::property(const char* name) const {
  const char* value = zmq_msg_gets(raw(*this), name);
  if (value == nullptr)
    return std::nullopt;
  return value;
}

} // namespace grove::zmq
