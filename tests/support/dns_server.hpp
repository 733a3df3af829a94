// SPDX-License-Identifier: MIT
// DnsServer: a name server on a free port of 127.0.0.1, UDP and TCP, that can misbehave.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grove/net/address.hpp>

#include "dns_packet.hpp"

namespace grove::test {

// Answers from a thread of its own. What it says of a name is set before anybody asks for it; any
// thread. Of names that it was not told of it says that there are none, with a SOA record.
class DnsServer {
public:
  // What is sent back, a packet each; nothing is an answer, too.
  using Reply = std::function<std::vector<dns::Bytes>(const dns::Question&)>;

  DnsServer() {
    for (int attempt = 0; attempt < 100 && tcp_ < 0; ++attempt) { // the same port for both
      if (udp_ >= 0)
        ::close(udp_);
      udp_ = bound(SOCK_DGRAM, 0);
      tcp_ = bound(SOCK_STREAM, port_of(udp_));
    }
    if (tcp_ < 0 || listen(tcp_, 64) != 0)
      throw std::runtime_error("DnsServer: no port");
    stop_ = eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { run(); });
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(stop_, &one, sizeof one);
    thread_.join();
    for (const int fd : {udp_, tcp_, stop_})
      ::close(fd);
  }

  net::Address address() const { return net::Address::loopback(port_of(udp_)); }

  // -- what it knows
  void host(const std::string& name, const std::string& ip, std::uint32_t ttl = 300) {
    const auto type = ip.find(':') == std::string::npos ? dns::a : dns::aaaa;
    record(name, type, dns::record(name, type, ttl, dns::address(ip)));
  }
  // As a server tells it that has followed the chain itself.
  void alias(const std::string& name, const std::string& to, const std::string& ip,
             std::uint32_t ttl = 300) {
    record(name, dns::a, dns::record(name, dns::cname, ttl, dns::name(to)));
    record(name, dns::a, dns::record(to, dns::a, ttl, dns::address(ip)));
  }
  void service(const std::string& name, unsigned priority, unsigned weight, unsigned port,
               const std::string& target, std::uint32_t ttl = 300) {
    record(name, dns::srv,
           dns::record(name, dns::srv, ttl,
                       dns::number(priority, 2) + dns::number(weight, 2) + dns::number(port, 2) +
                           dns::name(target)));
  }
  void record(const std::string& name, unsigned type, dns::Bytes bytes) {
    const std::lock_guard lock(mutex_);
    zone_[name][type].push_back(std::move(bytes));
  }
  void fails(const std::string& name, dns::Code code) {
    replies(name, [code](const dns::Question& q) {
      return std::vector{dns::Answer{.code = code}.to(q)};
    });
  }
  void is_silent_about(const std::string& name) {
    replies(name, [](const dns::Question&) { return std::vector<dns::Bytes>(); });
  }
  void replies(const std::string& name, Reply reply) {
    const std::lock_guard lock(mutex_);
    replies_[name] = std::move(reply);
  }
  // In every "no": how long it holds.
  void negative_ttl(std::uint32_t ttl, std::uint32_t minimum) {
    const std::lock_guard lock(mutex_);
    no_record_ = dns::no_record(ttl, minimum);
  }
  void no_soa() {
    const std::lock_guard lock(mutex_);
    no_record_.reset();
  }
  // For replies: what it would say itself.
  dns::Answer known(const dns::Question& q) const {
    dns::Answer answer;
    const auto records = zone_.find(q.name);
    if (records == zone_.end())
      answer.code = dns::no_such_name;
    else if (const auto found = records->second.find(q.type); found != records->second.end())
      answer.answers = found->second;
    if (answer.answers.empty() && no_record_)
      answer.authority = {*no_record_};
    return answer;
  }

  // UDP answers wait until they are let go.
  void hold() {
    const std::lock_guard lock(mutex_);
    holds_ = true;
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    holds_ = false;
    for (const auto& [to, packet] : std::exchange(held_, {}))
      send_to(to, packet);
  }

  // -- what it was asked
  std::size_t questions() const {
    const std::lock_guard lock(mutex_);
    return log_.size();
  }
  std::size_t questions(const std::string& name, unsigned type = 0) const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& q : log_)
      count += q.name == name && (type == 0 || q.type == type) ? 1U : 0U;
    return count;
  }
  std::vector<std::string> names() const { // in their order, without repetitions in a row
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& q : log_) {
      if (all.empty() || all.back() != q.name)
        all.push_back(q.name);
    }
    return all;
  }
  bool was_asked_over_tcp() const {
    const std::lock_guard lock(mutex_);
    return std::any_of(log_.begin(), log_.end(), [](const auto& q) { return q.tcp; });
  }

private:
  static int bound(int type, std::uint16_t port) {
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0)
      return fd;
    ::close(fd);
    return -1;
  }
  static std::uint16_t port_of(int fd) {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    return ntohs(at.sin_port);
  }

  std::vector<dns::Bytes> reply_to(const dns::Question& q) { // under the mutex
    log_.push_back(q);
    if (const auto found = replies_.find(q.name); found != replies_.end())
      return found->second(q);
    return {known(q).to(q)};
  }
  void run() {
    std::vector<pollfd> all = {{stop_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
    while (poll(all.data(), all.size(), -1) >= 0 && all[0].revents == 0) {
      if (all[1].revents != 0)
        serve_udp();
      const bool connects = all[2].revents != 0;
      for (std::size_t i = 3; i < all.size();) {
        if (all[i].revents != 0 && !serve_tcp(all[i].fd)) {
          ::close(all[i].fd);
          all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
          ++i;
        }
      }
      if (connects)
        all.push_back({accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
    }
    for (std::size_t i = 3; i < all.size(); ++i)
      ::close(all[i].fd);
  }
  void serve_udp() {
    char raw[2000];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const auto count =
        recvfrom(udp_, raw, sizeof raw, 0, reinterpret_cast<sockaddr*>(&from), &size);
    dns::Question q;
    if (count <= 0 || !dns::read_question({raw, static_cast<std::size_t>(count)}, q))
      return;
    const std::lock_guard lock(mutex_);
    for (auto& packet : reply_to(q)) {
      if (holds_)
        held_.emplace_back(from, std::move(packet));
      else
        send_to(from, packet);
    }
  }
  void send_to(const sockaddr_in& to, const dns::Bytes& packet) const {
    sendto(udp_, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to),
           sizeof to);
  }
  bool serve_tcp(int fd) {
    const auto read_all = [fd](char* into, std::size_t size) {
      return recv(fd, into, size, MSG_WAITALL) == static_cast<ssize_t>(size);
    };
    unsigned char head[2];
    if (!read_all(reinterpret_cast<char*>(head), 2))
      return false;
    dns::Bytes packet(static_cast<std::size_t>(head[0] << 8 | head[1]), '\0');
    dns::Question q;
    if (!read_all(packet.data(), packet.size()) || !dns::read_question(packet, q))
      return false;
    q.tcp = true;
    const std::lock_guard lock(mutex_);
    for (const auto& answer : reply_to(q)) {
      const dns::Bytes framed = dns::number(answer.size(), 2) + answer;
      if (send(fd, framed.data(), framed.size(), MSG_NOSIGNAL) < 0)
        return false;
    }
    return true;
  }

  int udp_ = -1, tcp_ = -1, stop_ = -1;
  mutable std::mutex mutex_;
  std::map<std::string, std::map<unsigned, std::vector<dns::Bytes>>> zone_;
  std::map<std::string, Reply> replies_;
  std::optional<dns::Bytes> no_record_ = dns::no_record(300, 300);
  std::vector<dns::Question> log_;
  bool holds_ = false;
  std::vector<std::pair<sockaddr_in, dns::Bytes>> held_;
  std::thread thread_;
};

} // namespace grove::test
