// SPDX-License-Identifier: MIT
#include "name_servers.hpp"

#include <ares.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace grove::net::detail {

namespace {

constexpr std::uint16_t dns_port = 53;

// What c-ares makes of resolv.conf and of the environment (LOCALDOMAIN, RES_OPTIONS).
class SystemSettings {
public:
  explicit SystemSettings(std::string resolv_conf) {
    ares_options options{};
    options.resolvconf_path = resolv_conf.data();
    check(ares_init_options(&channel_, &options, ARES_OPT_RESOLVCONF));
    int mask = 0;
    check(ares_save_options(channel_, &options_, &mask));
    check(ares_get_servers_ports(channel_, &servers_));
  }
  SystemSettings(const SystemSettings&) = delete;
  SystemSettings& operator=(const SystemSettings&) = delete;
  ~SystemSettings() { release(); }

  NameServerSettings value() const {
    NameServerSettings all;
    for (const ares_addr_port_node* one = servers_; one != nullptr; one = one->next) {
      if (one->family == AF_INET) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr = one->addr.addr4;
        add(all, address, one->udp_port);
      } else {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        std::memcpy(&address.sin6_addr, &one->addr.addr6, sizeof address.sin6_addr);
        add(all, address, one->udp_port);
      }
    }
    for (int i = 0; i < options_.ndomains; ++i)
      all.search.emplace_back(options_.domains[i]);
    all.ndots = static_cast<std::size_t>(std::max(options_.ndots, 0));
    return all;
  }

private:
  template <class Raw>
  static void add(NameServerSettings& all, const Raw& raw, int port) {
    all.servers.push_back(Address::from(reinterpret_cast<const sockaddr*>(&raw), sizeof raw)
                              .with_port(static_cast<std::uint16_t>(port)));
  }
  void check(int status) {
    if (status == ARES_SUCCESS)
      return;
    release();
    if (status == ARES_ENOMEM)
      throw std::bad_alloc();
    throw std::runtime_error(std::string("its servers: ") + ares_strerror(status));
  }
  void release() {
    ares_free_data(servers_);
    ares_destroy_options(&options_);
    ares_destroy(channel_);
  }

  ares_channel channel_ = nullptr;
  ares_options options_{};
  ares_addr_port_node* servers_ = nullptr;
};

// Of "options timeout:5 attempts:2", which c-ares 1.18 does not know. Within the bounds of libc.
void read_patience(const std::string& resolv_conf, NameServerSettings& into) {
  const auto value_in = [](std::string_view word, std::string_view key, unsigned most,
                           unsigned& to) {
    unsigned value = 0;
    if (word.starts_with(key) &&
        std::from_chars(word.data() + key.size(), word.data() + word.size(), value).ec ==
            std::errc())
      to = std::clamp(value, 1U, most);
  };
  unsigned timeout = 5;
  unsigned attempts = 2;
  std::ifstream file(resolv_conf);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != "options")
      continue;
    while (words >> word) {
      value_in(word, "timeout:", 30, timeout);
      value_in(word, "attempts:", 5, attempts);
    }
  }
  into.timeout = std::chrono::seconds(timeout);
  into.tries = attempts;
}

} // namespace

bool FileStamp::changed(const std::string& path) {
  struct stat now {};
  if (stat(path.c_str(), &now) != 0)
    now = {};
  const bool same = looked_ && now.st_ino == last_.st_ino && now.st_dev == last_.st_dev &&
                    now.st_size == last_.st_size && now.st_mtim.tv_sec == last_.st_mtim.tv_sec &&
                    now.st_mtim.tv_nsec == last_.st_mtim.tv_nsec;
  last_ = now;
  looked_ = true;
  return !same;
}

NameServerSettings name_server_settings(const ResolverOptions& options) {
  NameServerSettings all = SystemSettings(options.resolv_conf).value();
  read_patience(options.resolv_conf, all);
  if (!options.servers.empty())
    all.servers = options.servers;
  for (Address& server : all.servers) {
    if (server.port() == 0)
      server = server.with_port(dns_port);
  }
  if (options.search)
    all.search = *options.search;
  if (options.ndots)
    all.ndots = *options.ndots;
  if (options.timeout)
    all.timeout = *options.timeout;
  if (options.tries)
    all.tries = *options.tries;
  return all;
}

std::string NameServers::name(std::size_t server) const {
  const Address& address = settings_.servers[server];
  return address.port() == dns_port ? address.host() : address.to_string();
}

std::string NameServers::names() const {
  std::string all;
  for (std::size_t i = 0; i < count(); ++i)
    all += (i == 0 ? "" : ", ") + name(i);
  return all;
}

void NameServers::ask(std::size_t server, const std::string& name, RecordType type,
                      Question& question) {
  auto& channel = channels_[server];
  if (channel == nullptr)
    channel = std::make_unique<AresChannel>(settings_.servers[server], settings_.timeout, mode_);
  ++questions_;
  channel->ask(name.c_str(), type, question);
}

bool NameServers::idle() const {
  return std::all_of(channels_.begin(), channels_.end(),
                     [](const auto& channel) { return channel == nullptr || channel->idle(); });
}

void NameServers::run() {
  std::vector<pollfd> sockets;
  while (!idle()) {
    sockets.clear();
    int timeout = -1;
    for (const auto& channel : channels_) {
      const int one = channel == nullptr ? -1 : channel->wait_for(sockets);
      if (one >= 0 && (timeout < 0 || one < timeout))
        timeout = one;
    }
    poll(sockets.data(), sockets.size(), timeout);
    for (const auto& channel : channels_) {
      if (channel == nullptr)
        continue;
      for (const pollfd& socket : sockets)
        channel->go_on(socket);
      channel->go_on();
    }
  }
}

} // namespace grove::net::detail
