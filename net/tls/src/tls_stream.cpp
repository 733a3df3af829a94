// SPDX-License-Identifier: MIT
// TlsStream.
#include <grove/tls/tls_stream.hpp>

#include <utility>

#include <grove/hub/exceptions.hpp>

#include "certificate.hpp"
#include "connection.hpp"

namespace grove::tls {

TlsStream::TlsStream(std::shared_ptr<detail::Connection> connection) noexcept
    : connection_(std::move(connection)) {}

TlsStream& TlsStream::operator=(TlsStream&& other) noexcept {
  if (this != &other) {
    close();
    connection_ = std::move(other.connection_);
    net::Stream::operator=(std::move(other));
  }
  return *this;
}

// -- calls: the connection lives at least as long as they do --------------------------------------

std::shared_ptr<detail::Connection> TlsStream::open(const char* what) const {
  if (connection_ == nullptr)
    throw Closed(std::string(what) + ": the stream was closed");
  connection_->ssl(what);
  return connection_;
}

std::size_t TlsStream::read_some(std::span<char> into, Deadline deadline) {
  return open("recv")->read(into, deadline);
}
bool TlsStream::wait_to_read(Deadline deadline) {
  return open("wait_readable")->wait_to_read(deadline);
}
std::size_t TlsStream::write_some(std::span<const std::string_view> parts, Deadline deadline) {
  return open("send")->write(parts, deadline);
}
void TlsStream::shutdown_write(Deadline deadline) {
  open("shutdown_write")->shutdown_write(deadline);
}
void TlsStream::close() noexcept {
  if (connection_ != nullptr)
    connection_->close();
}
bool TlsStream::is_open() const noexcept {
  return connection_ != nullptr && connection_->is_open();
}
std::string TlsStream::name() const { return connection_ == nullptr ? "tls" : connection_->name(); }

// -- the peer -------------------------------------------------------------------------------------

Version TlsStream::version() const {
  return SSL_version(open("version")->ssl("version")) == TLS1_3_VERSION ? Version::tls_1_3
                                                                        : Version::tls_1_2;
}

std::string TlsStream::cipher() const { return SSL_get_cipher_name(open("cipher")->ssl("cipher")); }

std::string TlsStream::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(open("alpn")->ssl("alpn"), &name, &size);
  return size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(name), size);
}

std::string TlsStream::server_name() const {
  const char* name =
      SSL_get_servername(open("server_name")->ssl("server_name"), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

bool TlsStream::resumed() const { return SSL_session_reused(open("resumed")->ssl("resumed")) == 1; }

std::optional<Certificate> TlsStream::peer_certificate() const {
  const char* const what = "peer_certificate";
  X509* certificate = SSL_get0_peer_certificate(open(what)->ssl(what));
  if (certificate == nullptr)
    return std::nullopt;
  return detail::describe_certificate(certificate);
}

net::Address TlsStream::peer_address() const {
  return open("peer_address")->socket().peer_address();
}
net::Address TlsStream::local_address() const {
  return open("local_address")->socket().local_address();
}

} // namespace grove::tls
