// SPDX-License-Identifier: MIT
// Binding sockets.
#include "binding.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

namespace grove::net::detail {

namespace {

// A path that stands for a socket which nobody is behind: who made it has gone without removing it.
bool is_stale(const Address& address, int type) {
  struct stat status {};
  const std::string path = address.host();
  if (path.front() == '@' || lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode))
    return false;
  const NewDescriptor probe(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe.get() >= 0 && ::connect(probe.get(), address.data(), address.size()) != 0 &&
         errno == ECONNREFUSED;
}

} // namespace

void bind_path(SocketState& state, const Address& address, const char* what, unsigned mode,
               bool replace_stale) {
  fchmod(state.fd, mode);
  const auto try_bind = [&] {
    return ::bind(state.fd, address.data(), address.size()) == 0 ? 0 : errno;
  };
  int error = try_bind();
  if (error == EADDRINUSE && replace_stale && is_stale(address, state.type)) {
    ::unlink(address.host().c_str());
    error = try_bind();
  }
  if (error != 0)
    throw std::system_error(error, std::system_category(),
                            std::string(what) + " " + address.to_string());
  const std::string path = address.host();
  struct stat status {};
  if (path.front() != '@' && lstat(path.c_str(), &status) == 0) {
    state.path = std::make_unique<Path>(Path{path, status.st_dev, status.st_ino, getpid()});
  }
}

} // namespace grove::net::detail
