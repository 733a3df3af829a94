// SPDX-License-Identifier: MIT
// The connections of a StreamServer: whom it takes, and what it knows of them.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "last_connections.hpp"
#include "stream_server_core.hpp"

namespace grove::net::detail {

namespace {

// An IPv4 address, also one in IPv6's clothes, or the network of an IPv6 one.
std::optional<std::uint64_t> key_of(const Address& peer) {
  constexpr std::uint64_t ipv4 = 0xffffULL << 32; // ::ffff:0:0/96
  std::uint32_t word = 0;
  if (peer.family() == AF_INET) {
    std::memcpy(&word, &reinterpret_cast<const sockaddr_in*>(peer.data())->sin_addr, sizeof word);
    return ipv4 | word;
  }
  if (peer.family() != AF_INET6)
    return std::nullopt;
  const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(peer.data())->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::memcpy(&word, address.s6_addr + 12, sizeof word);
    return ipv4 | word;
  }
  std::uint64_t network = 0;
  std::memcpy(&network, address.s6_addr, sizeof network);
  return network;
}

} // namespace

class StreamServerCore::Connection final : public Job {
public:
  Connection(StreamServerCore& core, StreamSocket socket, const Address& peer, std::size_t* of_peer)
      : Job(core.jobs()), core_(core), socket_(std::move(socket)), peer_(peer), of_peer_(of_peer) {
    if (of_peer_ != nullptr)
      ++*of_peer_;
  }
  ~Connection() override {
    if (of_peer_ != nullptr && --*of_peer_ == 0)
      core_.per_peer_.erase(*key_of(peer_));
  }
  void run() override { core_.handler_(socket_, peer_); }
  std::string name() const override { return "connection from " + peer_.to_string(); }

  ConnectionInfo info() const {
    ConnectionInfo info{peer_, since_, 0, 0, greenlet};
    if (!socket_.is_open() || !peer_.is_ip())
      return info;
    tcp_info tcp{};
    socklen_t size = sizeof tcp;
    if (getsockopt(socket_.descriptor(), IPPROTO_TCP, TCP_INFO, &tcp, &size) == 0) {
      info.received = tcp.tcpi_bytes_received;
      info.sent = tcp.tcpi_bytes_acked;
    }
    return info;
  }

private:
  StreamServerCore& core_;
  StreamSocket socket_;
  Address peer_;
  std::size_t* of_peer_; // how many there are of the same peer; null if nobody counts
  std::chrono::steady_clock::time_point since_ = now();
};

void StreamServerCore::admit(StreamSocket socket) {
  Address peer;
  try {
    peer = socket.peer_address();
  } catch (const std::system_error&) { // it has gone again; there may be something to read
  }
  std::size_t* of_peer = nullptr;
  if (options_.max_per_peer != StreamServerOptions().max_per_peer) {
    if (const auto key = key_of(peer)) {
      of_peer = &per_peer_[*key]; // stays where it is
      if (*of_peer >= options_.max_per_peer) {
        ++stats_.refused;
        reset(std::move(socket));
        return;
      }
    }
  }
  jobs().line_up(std::make_unique<Connection>(*this, std::move(socket), peer, of_peer));
  ++stats_.accepted;
}

StreamServerStats StreamServerCore::stats() const {
  StreamServerStats stats = stats_;
  stats.ended = handlers().ended();
  stats.failed = handlers().failed();
  stats.pauses = pauses();
  return stats;
}

std::vector<ConnectionInfo> StreamServerCore::connections() const {
  std::vector<ConnectionInfo> all;
  all.reserve(handlers().all().size());
  for (const Job* job : handlers().all())
    all.push_back(static_cast<const Connection*>(job)->info());
  return all;
}

std::string StreamServerCore::to_string() const {
  return fmt::format("StreamServer at {}, handler {}", address_.to_string(),
                     options_.name.empty() ? type_ : options_.name);
}

} // namespace grove::net::detail
