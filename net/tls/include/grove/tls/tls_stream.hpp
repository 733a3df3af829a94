// SPDX-License-Identifier: MIT
// TlsStream: a stream that nobody on the way can read or change.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>
#include <grove/net/stream.hpp>
#include <grove/tls/certificate.hpp>
#include <grove/tls/version.hpp>

namespace grove::tls {

namespace detail {
class Connection;
}

// TlsStream is made by connect(), wrap_client() or wrap_server(), when the handshake is done. See
// net::Stream for its calls and who may make them: as there, one greenlet may receive and another
// send. In addition
//   - receiving gives 0 only when the peer has said that this is the end (close_notify). If the
//     connection ends otherwise it throws: TlsError, truncated; what came before may be half;
//   - TlsError also for a peer that breaks the protocol; it is thrown by every later call, too;
//   - a sending call that fails since the peer has gone is the end of sending only: what the peer
//     had sent before, and the alert that may tell why, can be received;
//   - a sending call that was interrupted has encrypted what it took: what is left of it goes out
//     before anything else, so that the stream stays sound, though who sent does not know how much
//     of the data the peer will see.
class TlsStream final : public net::Stream {
public:
  TlsStream(TlsStream&&) noexcept = default;
  TlsStream& operator=(TlsStream&& other) noexcept;
  ~TlsStream() override { close(); }

  // -- the peer, and what was agreed upon. Closed once this side is -------------------------------
  Version version() const;
  std::string cipher() const;      // "TLS_AES_128_GCM_SHA256"
  std::string alpn() const;        // the protocol that both speak; empty if none was spoken of
  std::string server_name() const; // the host that the client named; empty if it named none
  bool resumed() const;            // with a session of before: no certificate was sent
  std::optional<Certificate> peer_certificate() const; // verified; a client may have none
  net::Address peer_address() const;
  net::Address local_address() const;

  // -- the end: Stream's, and more exactly --------------------------------------------------------
  // Says close_notify, and waits until there was room for it. Receiving goes on.
  void shutdown_write(Deadline deadline = {}) override;
  // Says close_notify if there is room at once and nothing is on its way, then closes the socket.
  void close() noexcept override;
  bool is_open() const noexcept override;
  std::string name() const override; // "tls tcp 127.0.0.1:4711 to 127.0.0.1:443"

  explicit TlsStream(std::shared_ptr<detail::Connection> connection) noexcept; // grove::tls's own

private:
  std::size_t read_some(std::span<char> into, Deadline deadline) override;
  bool wait_to_read(Deadline deadline) override;
  std::size_t write_some(std::span<const std::string_view> parts, Deadline deadline) override;
  std::shared_ptr<detail::Connection> open(const char* what) const; // Closed

  // Shared with the calls under way, which may find the object gone when they wake.
  std::shared_ptr<detail::Connection> connection_;
};

} // namespace grove::tls
