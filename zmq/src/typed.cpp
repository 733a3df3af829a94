// SPDX-License-Identifier: MIT
// The parts of typed messages that are no templates.
#include <grove/zmq/typed.hpp>

#include <cstring>

#include <grove/zmq/socket.hpp>
#include <grove/zmq/topic.hpp>

namespace grove::zmq {

namespace detail {

namespace {

// To grow a buffer costs more than one copy out of it. It is kept up to this size, in each thread.
constexpr std::size_t kept_bytes = 256u << 10;
thread_local Bytes kept;

} // namespace

// Taken out, not used in place: what is encoded may have fields() that encode something themselves.
Scratch::Scratch() noexcept : bytes(std::move(kept)) { bytes.clear(); }

Scratch::~Scratch() {
  if (bytes.capacity() > kept.capacity() && bytes.capacity() <= kept_bytes)
    kept = std::move(bytes);
}

Message Scratch::message() {
  if (bytes.size() > kept_bytes)
    return Message::adopt(std::move(bytes));
  return std::span<const std::byte>(bytes);
}

std::string name_before_zero(std::string&& name, const char* what, bool may_be_empty) {
  if (name.find('\0') != name.npos)
    throw std::invalid_argument(std::string("grove: ") + what + ": a name with a zero byte in it");
  if (name.empty() && !may_be_empty)
    throw std::invalid_argument(std::string("grove: ") + what + ": an empty name");
  return std::move(name);
}

TopicFrame split_topic(std::span<const std::byte> frame) {
  const auto* data = reinterpret_cast<const char*>(frame.data());
  const void* end = frame.empty() ? nullptr : std::memchr(data, 0, frame.size());
  if (end == nullptr)
    throw DecodeError("decode topic: expected a name that ends with a zero byte, found none in " +
                          std::to_string(frame.size()) + " bytes",
                      frame.size());
  const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - data);
  return {{data, length}, frame.subspan(length + 1)};
}

void refuse_topic(std::size_t known, std::size_t length) {
  throw DecodeError("decode topic: expected one of " + std::to_string(known) +
                        " topics, found another, of " + std::to_string(length) + " bytes",
                    0);
}

} // namespace detail

bool Socket::send_behind(Multipart& envelope, Message&& body, const Deadline* deadline, bool wait) {
  envelope.push_back(std::move(body));
  bool sent = true;
  try {
    if (!wait)
      sent = try_send_multipart(std::move(envelope));
    else if (deadline != nullptr)
      send_multipart(std::move(envelope), *deadline);
    else
      send_multipart(std::move(envelope));
  } catch (...) {
    envelope.pop_back(); // NOLINT: what was not sent was not moved from
    throw;
  }
  if (!sent)
    envelope.pop_back(); // NOLINT: the same
  return sent;
}

} // namespace grove::zmq
