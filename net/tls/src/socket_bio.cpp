// SPDX-License-Identifier: MIT
#include "socket_bio.hpp"

#include <openssl/err.h>

#include <array>
#include <memory>
#include <new>
#include <optional>
#include <span>

#include "openssl.hpp"

namespace grove::tls::detail {

namespace {

// A handshake's flight and a record at most are kept; more is owed only to a peer that asks for
// answers and does not read them.
constexpr std::size_t most_unsent = 64 * 1024;

SocketBio& bio_of(BIO* bio) { return *static_cast<SocketBio*>(BIO_get_data(bio)); }

} // namespace

const BIO_METHOD* SocketBio::method() {
  using MethodPtr = std::unique_ptr<BIO_METHOD, FreedBy<BIO_meth_free>>;
  static const MethodPtr made = [] {
    MethodPtr m(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "grove socket"));
    if (m == nullptr)
      throw std::bad_alloc();
    BIO_meth_set_read(m.get(), read);
    BIO_meth_set_write(m.get(), write);
    BIO_meth_set_ctrl(m.get(), control);
    return m;
  }();
  return made.get();
}

BIO* SocketBio::make() {
  BIO* bio = BIO_new(method());
  if (bio == nullptr)
    throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

int SocketBio::read(BIO* bio, char* into, int size) noexcept {
  SocketBio& self = bio_of(bio);
  BIO_clear_retry_flags(bio);
  if (size <= 0)
    return 0;
  try {
    std::optional<std::size_t> count;
    if (!self.drained_)
      count = self.socket_.try_recv_into({into, static_cast<std::size_t>(size)});
    if (!count) {
      self.drained_ = true;
      BIO_set_retry_read(bio);
      return -1;
    }
    self.at_end_ = *count == 0;
    self.drained_ = *count < static_cast<std::size_t>(size) && !self.at_end_;
    return static_cast<int>(*count);
  } catch (...) {
    self.receive_error_ = std::current_exception();
    return -1;
  }
}

int SocketBio::write(BIO* bio, const char* data, int size) noexcept {
  SocketBio& self = bio_of(bio);
  BIO_clear_retry_flags(bio);
  if (size <= 0)
    return 0;
  std::string_view rest(data, static_cast<std::size_t>(size));
  if (self.has_unsent() && self.unsent_.size() + rest.size() > most_unsent) {
    BIO_set_retry_write(bio);
    return -1;
  }
  if (!self.has_unsent())
    rest = self.send(rest);
  try {
    self.unsent_ += rest;
  } catch (...) {
    self.send_error_ = std::current_exception();
  }
  return size;
}

std::string_view SocketBio::send(std::string_view data) noexcept {
  try {
    while (!data.empty() && send_error_ == nullptr) {
      const auto count = socket_.try_send(data);
      if (!count)
        return data;
      data.remove_prefix(*count);
    }
  } catch (...) {
    send_error_ = std::current_exception();
  }
  return {};
}

bool SocketBio::send_unsent() noexcept {
  unsent_.erase(0, unsent_.size() - send(unsent_).size());
  if (unsent_.empty())
    drop_unsent(); // its memory, too
  return unsent_.empty();
}

void SocketBio::drain() noexcept {
  std::array<char, 4096> nowhere;
  try {
    for (int rounds = 16; rounds > 0; --rounds) {
      if (socket_.try_recv_into(nowhere).value_or(0) == 0)
        return;
    }
  } catch (...) { // then there is nobody who could see it
  }
}

long SocketBio::control(BIO* bio, int command, long /*number*/, void* /*pointer*/) noexcept {
  switch (command) {
  case BIO_CTRL_FLUSH:
    return 1;
  case BIO_CTRL_EOF:
    return bio_of(bio).at_end_ ? 1 : 0;
  default:
    return 0;
  }
}

} // namespace grove::tls::detail
