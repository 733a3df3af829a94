// SPDX-License-Identifier: MIT
// What the programs that load a server share: its processor time and memory, the times of its
// answers, connections to it. Errors end the program with words: the load is one command.
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <thread>

namespace bench {

using Clock = std::chrono::steady_clock;

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}
[[noreturn]] inline void lost() {
  std::fputs("a reply is not what was sent\n", stderr);
  std::exit(1);
}

inline void raise_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// -- the server, by its process ------------------------------------------------------------------

// Of all its threads.
inline double cpu_nanoseconds(const std::string& pid) {
  const std::string folder = "/proc/" + pid + "/task";
  DIR* const all = opendir(folder.c_str());
  if (all == nullptr)
    die("the server's processor time");
  double sum = 0;
  while (const dirent* entry = readdir(all)) {
    if (entry->d_name[0] == '.')
      continue;
    std::FILE* const file = std::fopen((folder + "/" + entry->d_name + "/schedstat").c_str(), "r");
    if (file == nullptr)
      continue;
    double running = 0;
    if (std::fscanf(file, "%lf", &running) == 1) // NOLINT: numbers of the kernel's
      sum += running;
    std::fclose(file);
  }
  closedir(all);
  return sum;
}

inline double resident_bytes(const std::string& pid) {
  std::FILE* const file = std::fopen(("/proc/" + pid + "/statm").c_str(), "r");
  double size = 0;
  double resident = 0;
  if (file == nullptr || std::fscanf(file, "%lf %lf", &size, &resident) != 2) // NOLINT
    die("the server's memory");
  std::fclose(file);
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// -- times ---------------------------------------------------------------------------------------

// 64 steps per power of two: within 1.6 %.
class Histogram {
public:
  void add(std::chrono::nanoseconds time) {
    ++steps_[index(static_cast<std::uint64_t>(time.count()))];
    ++count_;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double microseconds(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      seen += steps_[i];
      if (seen > wanted)
        return static_cast<double>(least(i)) / 1e3;
    }
    return 0;
  }

private:
  static std::size_t index(std::uint64_t value) {
    if (value < 64)
      return value;
    const auto power = static_cast<std::size_t>(std::bit_width(value)) - 1;
    return (power - 5) * 64 + (value >> (power - 6)) % 64;
  }
  static std::uint64_t least(std::size_t i) { return i < 64 ? i : (64 + i % 64) << (i / 64 - 1); }
  std::array<std::uint64_t, std::size_t{64} * 64> steps_{};
  std::uint64_t count_ = 0;
};

// What is counted from the end of the warm-up on.
class Watch {
public:
  Watch(std::string pid, double seconds)
      : pid_(std::move(pid)), begin_(Clock::now() + warm_up),
        end_(begin_ +
             std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))) {}
  // Asked now and then; false at the end.
  bool goes_on() {
    const auto now = Clock::now();
    if (!counting_ && now >= begin_) {
      counting_ = true;
      begin_ = now;
      cpu_ = cpu_nanoseconds(pid_);
    }
    if (now < end_)
      return true;
    end_ = now;
    cpu_ = cpu_nanoseconds(pid_) - cpu_;
    return false;
  }
  void add(std::chrono::nanoseconds time) {
    if (counting_)
      times_.add(time);
  }
  void print() const {
    const auto count = static_cast<double>(times_.count());
    std::printf("per_second %.1f\ncpu_ns %.1f\np50_us %.1f\np99_us %.1f\n",
                count / std::chrono::duration<double>(end_ - begin_).count(), cpu_ / count,
                times_.microseconds(0.5), times_.microseconds(0.99));
  }

private:
  static constexpr auto warm_up = std::chrono::milliseconds(200);
  std::string pid_;
  Clock::time_point begin_;
  Clock::time_point end_;
  bool counting_ = false;
  double cpu_ = 0;
  Histogram times_;
};

// By how much the server grows with each connection that visit(connection) leaves idle.
template <class Connection, class Visit>
void measure_idle(std::uint16_t port, const std::string& pid, std::size_t connections,
                  Visit visit) {
  Connection first(port); // what the server needs once
  visit(first);
  const double before = resident_bytes(pid);
  std::deque<Connection> all;
  for (std::size_t i = 0; i < connections; ++i)
    visit(all.emplace_back(port));
  std::this_thread::sleep_for(std::chrono::seconds(2));
  std::printf("bytes_each %.0f\n",
              (resident_bytes(pid) - before) / static_cast<double>(connections));
}

// -- connections ---------------------------------------------------------------------------------

// From 127.0.0.2 to 127.0.0.251 in turn: closed connections keep their ports for a minute.
inline int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    die("socket");
  static std::uint32_t turn = 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + turn++ % 250);
  const int late = 1; // the port is chosen by connect()
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    die("bind");
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    die("connect");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// Sends numbered messages; a reply is the message. `Wire` says what both look like:
//   request_size, reply_size      all in bytes
//   open(fd)                      what comes before the first message
//   write(to, number)             a request
//   number_in(reply)
template <class Wire>
class EchoConnection {
public:
  static constexpr std::size_t most_in_flight = 16;

  explicit EchoConnection(std::uint16_t port) : fd_(connect_to(port)) { Wire::open(fd_); }
  [[nodiscard]] int fd() const { return fd_; }

  void send(std::size_t messages) {
    out_.resize(messages * Wire::request_size);
    for (std::size_t i = 0; i < messages; ++i) {
      Wire::write(out_.data() + i * Wire::request_size, sent_++);
      under_way_.push_back(Clock::now());
    }
    if (::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(out_.size()))
      die("send");
  }
  // How many replies were completed.
  std::size_t receive(Watch* watch) {
    const ssize_t n = ::recv(fd_, in_.data() + have_, in_.size() - have_, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
      die("recv");
    have_ += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    const std::size_t messages = have_ / Wire::reply_size;
    const auto now = Clock::now();
    for (std::size_t i = 0; i < messages; ++i) {
      if (Wire::number_in(in_.data() + i * Wire::reply_size) != received_++)
        lost();
      if (watch != nullptr)
        watch->add(now - under_way_.front());
      under_way_.pop_front();
    }
    have_ -= messages * Wire::reply_size;
    std::memmove(in_.data(), in_.data() + messages * Wire::reply_size, have_);
    return messages;
  }

private:
  int fd_;
  std::uint64_t sent_ = 0, received_ = 0;
  std::size_t have_ = 0;
  std::deque<Clock::time_point> under_way_;
  std::string out_;
  std::array<char, most_in_flight * Wire::reply_size> in_{};
};

template <class Wire>
void measure_echo(std::uint16_t port, const std::string& pid, std::size_t connections,
                  std::size_t in_flight, double seconds) {
  using Connection = EchoConnection<Wire>;
  std::deque<Connection> all;
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < connections; ++i) {
    Connection& one = all.emplace_back(port);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &one;
    epoll_ctl(poll, EPOLL_CTL_ADD, one.fd(), &event);
  }
  for (Connection& one : all)
    one.send(in_flight);
  Watch watch(pid, seconds);
  std::array<epoll_event, 512> events{};
  while (watch.goes_on()) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < ready; ++i) {
      auto* const one = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (const std::size_t messages = one->receive(&watch))
        one->send(messages);
    }
  }
  watch.print();
}

} // namespace bench
