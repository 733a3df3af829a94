// SPDX-License-Identifier: MIT
// Datagrams.
#include <grove/net/datagram_socket.hpp>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <grove/hub/detail/watch.hpp>

#include "binding.hpp"
#include "socket_state.hpp"

namespace grove::net {

using detail::SocketState;
using detail::Way;
using grove::detail::Watch;

namespace {

constexpr std::size_t most_at_once = 64;
constexpr int flags_in = MSG_DONTWAIT;
constexpr int flags_out = MSG_DONTWAIT | MSG_NOSIGNAL;

// Where recvmsg(2) puts one.
struct Arrival {
  sockaddr_storage peer;
  iovec part;

  void prepare(msghdr& message, std::span<char> into) {
    part = {into.data(), into.size()};
    message = {};
    message.msg_name = &peer;
    message.msg_namelen = sizeof peer;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
  }
  [[nodiscard]] Datagram datagram(const msghdr& message, std::size_t size) const {
    return {size, (message.msg_flags & MSG_TRUNC) != 0,
            Address::from(reinterpret_cast<const sockaddr*>(&peer), message.msg_namelen)};
  }
};

// The calls' errors name whom it was sent to.
auto sending(const SocketState& state, std::string_view message, const Address& to) {
  return [&state, message, &to](int fd) {
    const ssize_t n = ::sendto(fd, message.data(), message.size(), flags_out, to.data(), to.size());
    if (n < 0 && errno != EAGAIN && errno != EINTR)
      state.fail(errno, ("send to " + to.to_string()).c_str());
    return n;
  };
}

// Of a Unix socket that is not connected epoll says that it is writable even if the receiver's
// queue is full. A second one that is connected to the receiver tells better. Whoever made room,
// and whoever takes it: the caller tries again. False if the deadline came first.
bool wait_for_room(SocketState& state, const Address& to, Deadline deadline) {
  const detail::NewDescriptor probe(
      ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (probe.get() < 0)
    state.fail(errno, ("send to " + to.to_string()).c_str());
  if (::connect(probe.get(), to.data(), to.size()) != 0)
    return true; // the receiver is gone, or wants nothing of others: sending will tell
  grove::detail::Waiter waiter;
  Watch watch(probe.get(), grove::detail::writable, [](Watch& w, unsigned) noexcept {
    w.stop();
    auto* waits = static_cast<grove::detail::Waiter*>(w.owner);
    if (grove::detail::wake(waits->who))
      waits->granted = true;
  });
  watch.owner = &waiter;
  detail::Side& side = state.side(Way::out); // where close() finds us, and a second sender
  struct Taking {
    bool& taken;
    explicit Taking(bool& flag) : taken(flag) { taken = true; }
    Taking(const Taking&) = delete;
    Taking& operator=(const Taking&) = delete;
    ~Taking() { taken = false; }
  } const taking(state.taken[static_cast<std::size_t>(Way::out)]);
  side.line.push_back(waiter);
  watch.start();
  const grove::detail::Wake why = grove::detail::park_until("send_to", deadline);
  detail::budget.renew();
  if (waiter.broken || state.fd < 0)
    detail::throw_closed("send_to");
  return why == grove::detail::Wake::ready;
}

unsigned interface_index(const SocketState& state, std::string_view name, const char* what) {
  if (name.empty())
    return 0;
  const unsigned index = if_nametoindex(std::string(name).c_str());
  if (index == 0)
    state.fail(errno, (std::string(what) + " " + std::string(name)).c_str());
  return index;
}

void membership(SocketState& state, int option, const char* what, const Address& group,
                std::string_view interface) {
  group_req request{};
  request.gr_interface = interface_index(state, interface, what);
  std::memcpy(&request.gr_group, group.data(), group.size());
  const int level = group.family() == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (!group.is_ip())
    errno = EAFNOSUPPORT;
  else if (setsockopt(state.fd, level, option, &request, sizeof request) == 0)
    return;
  state.fail(errno, (std::string(what) + " " + group.host()).c_str());
}

detail::SocketRef bound(const Address& local, const DatagramOptions& options) {
  detail::SocketRef state = detail::open_socket(local.family(), SOCK_DGRAM, "bind", local);
  const auto set = [&](int level, int name, bool on) {
    const int value = on ? 1 : 0;
    if (setsockopt(state->fd, level, name, &value, sizeof value) != 0)
      throw std::system_error(errno, std::system_category(), "bind " + local.to_string());
  };
  if (options.reuse_address)
    set(SOL_SOCKET, SO_REUSEADDR, true);
  if (options.reuse_port)
    set(SOL_SOCKET, SO_REUSEPORT, true);
  if (local.family() == AF_INET6)
    set(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only);
  if (local.is_unix())
    detail::bind_path(*state, local, "bind", options.mode, options.replace_stale);
  else if (::bind(state->fd, local.data(), local.size()) != 0)
    throw std::system_error(errno, std::system_category(), "bind " + local.to_string());
  return state;
}

} // namespace

// -- construction --------------------------------------------------------------------------------

DatagramSocket::DatagramSocket(int family) {
  state_ = detail::open_socket(family, SOCK_DGRAM, "open a datagram socket", {});
  if (family == AF_INET6) // a system may be set up otherwise
    set_option(IPPROTO_IPV6, IPV6_V6ONLY, 0);
}

DatagramSocket::DatagramSocket(const Address& local, const DatagramOptions& options)
    : Socket(detail::bound_to(local, options.ipv6_only,
                              [&](const Address& one) { return bound(one, options); })) {}

DatagramSocket DatagramSocket::adopt(int fd) {
  DatagramSocket socket;
  socket.state_ = detail::adopt(fd);
  if (socket.state_->type != SOCK_DGRAM) {
    socket.state_->give_up();
    throw std::system_error(EPROTOTYPE, std::system_category(),
                            "take over descriptor " + std::to_string(fd) + " as a datagram socket");
  }
  return socket;
}

void DatagramSocket::connect(const Address& peer) {
  SocketState& state = opened("connect");
  sockaddr nobody{};
  const bool some = peer.family() != AF_UNSPEC;
  if (::connect(state.fd, some ? peer.data() : &nobody, some ? peer.size() : sizeof nobody) != 0)
    state.fail(errno, ("connect to " + peer.to_string()).c_str());
}

Address DatagramSocket::peer_address() const { return opened("peer_address").peer_address(); }

// -- receiving -----------------------------------------------------------------------------------

Datagram DatagramSocket::recv_from(std::span<char> into, Deadline deadline) {
  Arrival arrival;
  msghdr message;
  const std::size_t size =
      opened("recv_from").transfer(Way::in, "recv_from", deadline, [&](int fd) {
        arrival.prepare(message, into);
        return ::recvmsg(fd, &message, flags_in);
      });
  return arrival.datagram(message, size);
}

std::optional<Datagram> DatagramSocket::try_recv_from(std::span<char> into) {
  Arrival arrival;
  msghdr message;
  const ssize_t size = opened("try_recv_from").try_transfer(Way::in, "try_recv_from", [&](int fd) {
    arrival.prepare(message, into);
    return ::recvmsg(fd, &message, flags_in);
  });
  if (size < 0)
    return std::nullopt;
  return arrival.datagram(message, static_cast<std::size_t>(size));
}

std::size_t DatagramSocket::recv(std::span<char> into, Deadline deadline) {
  iovec part;
  msghdr message;
  SocketState& state = opened("recv");
  const std::size_t size = state.transfer(Way::in, "recv", deadline, [&](int fd) {
    part = {into.data(), into.size()};
    message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return ::recvmsg(fd, &message, flags_in);
  });
  if ((message.msg_flags & MSG_TRUNC) != 0)
    state.fail(EMSGSIZE, ("recv of more than " + std::to_string(into.size()) + " bytes").c_str());
  return size;
}

std::size_t DatagramSocket::recv_many(std::span<Slot> into, Deadline deadline) {
  std::array<Arrival, most_at_once> arrivals;
  std::array<mmsghdr, most_at_once> messages;
  const std::size_t room = std::min(into.size(), most_at_once);
  if (room == 0)
    return 0;
  const std::size_t count =
      opened("recv_many").transfer(Way::in, "recv_many", deadline, [&](int fd) -> ssize_t {
        for (std::size_t i = 0; i < room; ++i)
          arrivals[i].prepare(messages[i].msg_hdr, into[i].buffer);
        return ::recvmmsg(fd, messages.data(), static_cast<unsigned>(room), flags_in, nullptr);
      });
  for (std::size_t i = 0; i < count; ++i)
    into[i].datagram = arrivals[i].datagram(messages[i].msg_hdr, messages[i].msg_len);
  return count;
}

// -- sending -------------------------------------------------------------------------------------

void DatagramSocket::send_to(std::string_view message, const Address& to, Deadline deadline) {
  SocketState& state = opened("send_to");
  if (state.family != AF_UNIX) {
    state.transfer(Way::out, "send_to", deadline, sending(state, message, to));
    return;
  }
  state.begin(Way::out, "send_to");
  const detail::SocketRef keep = state_;
  for (bool late = false;;) {
    if (state.try_transfer(Way::out, "send_to", sending(state, message, to)) >= 0)
      return;
    if (late)
      state.fail_late(("send to " + to.to_string()).c_str());
    late = !wait_for_room(state, to, deadline);
  }
}

bool DatagramSocket::try_send_to(std::string_view message, const Address& to) {
  SocketState& state = opened("try_send_to");
  return state.try_transfer(Way::out, "try_send_to", sending(state, message, to)) >= 0;
}

void DatagramSocket::send(std::string_view message, Deadline deadline) {
  opened("send").transfer(Way::out, "send", deadline, [message](int fd) {
    return ::send(fd, message.data(), message.size(), flags_out);
  });
}

// -- many receivers ------------------------------------------------------------------------------

void DatagramSocket::set_broadcast(bool on) { set_option(SOL_SOCKET, SO_BROADCAST, on ? 1 : 0); }

void DatagramSocket::join_group(const Address& group, std::string_view interface) {
  membership(opened("join_group"), MCAST_JOIN_GROUP, "join group", group, interface);
}

void DatagramSocket::leave_group(const Address& group, std::string_view interface) {
  membership(opened("leave_group"), MCAST_LEAVE_GROUP, "leave group", group, interface);
}

// An IPv6 socket sends to IPv4 groups, too: what is said of the one is said of the other.
void DatagramSocket::set_multicast_interface(std::string_view interface) {
  SocketState& state = opened("set_multicast_interface");
  const int index = static_cast<int>(interface_index(state, interface, "set_multicast_interface"));
  ip_mreqn request{};
  request.imr_ifindex = index;
  if (setsockopt(state.fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) != 0)
    state.fail(errno, ("set_multicast_interface " + std::string(interface)).c_str());
  if (state.family == AF_INET6)
    set_option(IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
}

void DatagramSocket::set_multicast_hops(int hops) {
  set_option(IPPROTO_IP, IP_MULTICAST_TTL, hops);
  if (state_->family == AF_INET6)
    set_option(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops);
}

void DatagramSocket::set_multicast_loop(bool on) {
  set_option(IPPROTO_IP, IP_MULTICAST_LOOP, on ? 1 : 0);
  if (state_->family == AF_INET6)
    set_option(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, on ? 1 : 0);
}

} // namespace grove::net
