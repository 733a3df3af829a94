// SPDX-License-Identifier: MIT
// Descriptors and credentials over Unix sockets.
#include <grove/net/descriptor_passing.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>

#include "socket_state.hpp"

namespace grove::net {

namespace {

constexpr std::size_t most = 253; // the kernel's SCM_MAX_FD
constexpr std::size_t control_size = CMSG_SPACE(most * sizeof(int));

struct alignas(cmsghdr) Control {
  std::array<char, control_size> bytes;
};

// Owns what came, up to `at_most`; the rest is closed.
void take_descriptors(msghdr& message, std::size_t at_most, ReceivedDescriptors& received) {
  received.truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
      continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      Descriptor owned(fd);
      if (received.descriptors.size() < at_most)
        received.descriptors.push_back(std::move(owned));
      else
        received.truncated = true;
    }
  }
}

} // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0)
    ::close(fd_);
}

// What these functions may see of a socket.
struct detail::DescriptorPassing {
  static SocketState& state(const StreamSocket& socket, const char* what) {
    return socket.opened(what);
  }
  static bool has_kept(const StreamSocket& socket) { return socket.has_kept(); }
};
using detail::DescriptorPassing;

void send_descriptors(StreamSocket& socket, std::string_view data, std::span<const int> descriptors,
                      Deadline deadline) {
  constexpr const char* what = "send_descriptors";
  if (data.empty())
    throw std::invalid_argument("grove: send_descriptors: without data they are not sent");
  if (descriptors.size() > most)
    throw std::invalid_argument("grove: send_descriptors: " + std::to_string(descriptors.size()) +
                                " at once; at most 253");
  detail::SocketState& state = DescriptorPassing::state(socket, what);
  if (state.family != AF_UNIX)
    state.fail(EOPNOTSUPP, what);
  if (descriptors.empty()) {
    socket.send_all(data, deadline);
    return;
  }
  Control control{};
  iovec part{const_cast<char*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  const std::size_t sent = state.transfer(detail::Way::out, what, deadline, [&message](int fd) {
    return ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (sent < data.size()) // the descriptors have left
    socket.send_all(data.substr(sent), deadline);
}

ReceivedDescriptors recv_descriptors(StreamSocket& socket, std::span<char> into,
                                     std::size_t at_most, Deadline deadline) {
  constexpr const char* what = "recv_descriptors";
  detail::SocketState& state = DescriptorPassing::state(socket, what);
  if (state.family != AF_UNIX)
    state.fail(EOPNOTSUPP, what);
  ReceivedDescriptors received;
  if (into.empty() || (state.at_end && !DescriptorPassing::has_kept(socket)))
    return received;
  if (DescriptorPassing::has_kept(socket)) {
    received.size = socket.recv_into(into, deadline);
    return received;
  }
  received.descriptors.reserve(std::min(at_most, most)); // so that none is lost for want of memory
  Control control;
  iovec part{};
  msghdr message{};
  received.size = state.transfer(detail::Way::in, what, deadline, [&](int fd) {
    part = {into.data(), into.size()};
    message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    return ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  });
  take_descriptors(message, at_most, received);
  return received;
}

PeerCredentials peer_credentials(const StreamSocket& socket) {
  const detail::SocketState& state = DescriptorPassing::state(socket, "peer_credentials");
  ucred its{};
  socklen_t size = sizeof its;
  if (state.family != AF_UNIX)
    state.fail(EOPNOTSUPP, "peer_credentials");
  if (getsockopt(state.fd, SOL_SOCKET, SO_PEERCRED, &its, &size) != 0)
    state.fail(errno, "peer_credentials");
  return {its.pid, its.uid, its.gid};
}

} // namespace grove::net
