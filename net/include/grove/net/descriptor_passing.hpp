// SPDX-License-Identifier: MIT
// Passing open descriptors to another process, and knowing who that is.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/net/stream_socket.hpp>

namespace grove::net {

// Descriptor owns a number, and closes it at the end. Movable; any thread. What is to be waited for
// goes to a Socket, a PipeReader or a File, which take it over: `StreamSocket::adopt(d.release())`.
class Descriptor {
public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int number() const noexcept { return fd_; } // -1: none
  bool is_open() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }

private:
  int fd_ = -1;
};

// Sends all of `data`, and with its first byte duplicates of up to 253 open descriptors; they stay
// the caller's as well. std::invalid_argument for more, or for no data to send them with. Waits as
// StreamSocket's send_all(), and throws as it does; std::system_error also on a socket that is no
// Unix one.
void send_descriptors(StreamSocket& socket, std::string_view data, std::span<const int> descriptors,
                      Deadline deadline = {});

struct ReceivedDescriptors {
  std::size_t size = 0;                  // bytes in the buffer; 0 at the end
  std::vector<Descriptor> descriptors{}; // close-on-exec
  bool truncated = false;                // there were more: they were closed
};

// As StreamSocket's recv_into(), with the descriptors that came with these bytes; more than
// `at_most` (253 at the most) are closed. Who may be sent descriptors must always receive so: any
// other call that receives drops them. What one message brought is never mixed with the next.
ReceivedDescriptors recv_descriptors(StreamSocket& socket, std::span<char> into,
                                     std::size_t at_most, Deadline deadline = {});

// Who has connected, or listens, at the other end of a Unix socket: as the kernel saw it then.
struct PeerCredentials {
  pid_t process = 0; // may have ended since
  uid_t user = 0;
  gid_t group = 0;
};
PeerCredentials peer_credentials(const StreamSocket& socket); // Closed; std::system_error

} // namespace grove::net
