// SPDX-License-Identifier: MIT
// Socket activation: the protocol is three variables of the environment.
#include <grove/net/systemd.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "systemd.hpp"

namespace grove::net {

namespace {

std::string take_variable(const char* name) {
  const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
  std::string text = value != nullptr ? value : "";
  unsetenv(name); // NOLINT(concurrency-mt-unsafe)
  return text;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::string take_name(std::string_view& names) {
  const std::size_t colon = names.find(':');
  std::string name(names.substr(0, colon));
  names.remove_prefix(colon == std::string_view::npos ? names.size() : colon + 1);
  return name;
}

bool listens(int fd) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

} // namespace

std::vector<SystemdListener> systemd_listeners() { return detail::listeners_from(3); }

std::vector<SystemdListener> detail::listeners_from(int first_descriptor) {
  const auto pid = number(take_variable("LISTEN_PID"));
  const auto count = number(take_variable("LISTEN_FDS"));
  const std::string all_names = take_variable("LISTEN_FDNAMES");
  if (pid != getpid() || !count)
    return {}; // our parent's, perhaps
  std::vector<SystemdListener> listeners;
  std::string_view names = all_names;
  for (int fd = first_descriptor; fd < first_descriptor + *count; ++fd) {
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
      throw std::system_error(errno, std::system_category(),
                              "systemd's descriptor " + std::to_string(fd));
    }
    std::string name = take_name(names);
    if (listens(fd))
      listeners.push_back({std::move(name), Listener::adopt(fd)});
  }
  return listeners;
}

} // namespace grove::net
