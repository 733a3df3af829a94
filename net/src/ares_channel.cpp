// SPDX-License-Identifier: MIT
// c-ares driven by the hub: its sockets are watches, its timeouts one timer.
#include "ares_channel.hpp"

#include <ares.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#include <grove/hub/deadline.hpp>

namespace grove::net::detail {

namespace {

constexpr int class_internet = 1;

void check(int status) {
  if (status == ARES_ENOMEM)
    throw std::bad_alloc();
  if (status != ARES_SUCCESS)
    throw std::runtime_error(std::string("grove: c-ares: ") + ares_strerror(status));
}

ares_addr_port_node node_of(const Address& server) {
  ares_addr_port_node node{};
  node.family = server.family();
  node.udp_port = node.tcp_port = server.port();
  if (server.family() == AF_INET)
    node.addr.addr4 = reinterpret_cast<const sockaddr_in*>(server.data())->sin_addr;
  else
    std::memcpy(&node.addr.addr6, &reinterpret_cast<const sockaddr_in6*>(server.data())->sin6_addr,
                sizeof node.addr.addr6);
  return node;
}

} // namespace

struct AresChannel::Asked {
  AresChannel& channel;
  Question& question;
};

AresChannel::AresChannel(const Address& server, std::chrono::milliseconds timeout, Mode mode)
    : mode_(mode), timeout_(timeout) {
  timer_.channel = this;
  timer_.fire = [](grove::detail::Timer& timer) noexcept {
    static_cast<Timer&>(timer).channel->on_time();
  };
  // All that c-ares would otherwise take from files is given, so that it reads none.
  char dns_only[] = "b";
  ares_options options{};
  options.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = static_cast<int>(timeout.count());
  options.tries = 1;
  options.ndots = 1;
  options.lookups = dns_only;
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
    static_cast<AresChannel*>(self)->on_socket_state(
        fd, (read != 0 ? grove::detail::readable : 0) | (write != 0 ? grove::detail::writable : 0));
  };
  check(ares_init_options(&channel_, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                              ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_SERVERS |
                              ARES_OPT_DOMAINS | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE));
  ares_addr_port_node node = node_of(server);
  if (const int status = ares_set_servers_ports(channel_, &node); status != ARES_SUCCESS) {
    ares_destroy(channel_);
    check(status);
  }
}

AresChannel::~AresChannel() {
  ares_destroy(channel_);
  grove::detail::disarm(timer_);
}

void AresChannel::arm_timer(std::chrono::milliseconds after) {
  using std::chrono::nanoseconds;
  const nanoseconds rounded_up = after + std::chrono::milliseconds(1);
  grove::detail::disarm(timer_);
  grove::detail::arm(timer_, grove::detail::now_nanoseconds() + rounded_up.count());
}

void AresChannel::ask(const char* name, RecordType type, Question& question) {
  auto asked = std::make_unique<Asked>(Asked{*this, question});
  // All questions have the same time: one that is asked later is due later.
  if (mode_ == Mode::green && !timer_.armed())
    arm_timer(timeout_);
  ++under_way_;
  ares_query(
      channel_, name, class_internet, static_cast<int>(type),
      [](void* argument, int status, int, unsigned char* packet, int size) {
        const std::unique_ptr<Asked> mine(static_cast<Asked*>(argument));
        --mine->channel.under_way_;
        mine->question.answered(status,
                                {packet, packet != nullptr ? static_cast<std::size_t>(size) : 0});
      },
      asked.release());
  if (under_way_ == 0)
    grove::detail::disarm(timer_);
}

// A Watch is for one interest; c-ares changes its mind while it writes to TCP.
void AresChannel::on_socket_state(int fd, unsigned interest) {
  const auto known = std::find_if(sockets_.begin(), sockets_.end(),
                                  [&](const Socket& socket) { return socket.fd == fd; });
  if (interest == 0) {
    if (known != sockets_.end())
      sockets_.erase(known);
    return;
  }
  Socket& socket = known != sockets_.end() ? *known : sockets_.emplace_back(Socket{fd, 0, nullptr});
  if (socket.interest == interest)
    return;
  socket.interest = interest;
  if (mode_ == Mode::blocking)
    return;
  socket.watch = std::make_unique<grove::detail::Watch>(
      fd, interest, [](grove::detail::Watch& watch, unsigned ready) noexcept {
        auto& self = *static_cast<AresChannel*>(watch.owner);
        const int ready_fd = watch.fd(); // the watch may go
        ares_process_fd(self.channel_,
                        (ready & grove::detail::readable) != 0 ? ready_fd : ARES_SOCKET_BAD,
                        (ready & grove::detail::writable) != 0 ? ready_fd : ARES_SOCKET_BAD);
        if (self.under_way_ == 0)
          grove::detail::disarm(self.timer_);
      });
  socket.watch->owner = this;
  socket.watch->start();
}

void AresChannel::on_time() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  if (under_way_ != 0)
    arm_timer(std::chrono::milliseconds(remaining_milliseconds()));
  else
    grove::detail::disarm(timer_);
}

int AresChannel::remaining_milliseconds() const {
  timeval most{static_cast<time_t>(timeout_.count() / 1000),
               static_cast<suseconds_t>(timeout_.count() % 1000 * 1000)};
  timeval buffer{};
  const timeval* remaining = ares_timeout(channel_, &most, &buffer);
  return static_cast<int>(remaining->tv_sec * 1000 + remaining->tv_usec / 1000);
}

int AresChannel::wait_for(std::vector<pollfd>& into) const {
  for (const Socket& socket : sockets_) {
    const bool read = (socket.interest & grove::detail::readable) != 0;
    const bool write = (socket.interest & grove::detail::writable) != 0;
    into.push_back({socket.fd, static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0)), 0});
  }
  return idle() ? -1 : remaining_milliseconds() + 1;
}

void AresChannel::go_on(const pollfd& ready) {
  const bool mine = std::any_of(sockets_.begin(), sockets_.end(),
                                [&](const Socket& socket) { return socket.fd == ready.fd; });
  if (mine && ready.revents != 0)
    ares_process_fd(channel_, (ready.revents & ~POLLOUT) != 0 ? ready.fd : ARES_SOCKET_BAD,
                    (ready.revents & POLLOUT) != 0 ? ready.fd : ARES_SOCKET_BAD);
}

void AresChannel::go_on() { ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

} // namespace grove::net::detail
