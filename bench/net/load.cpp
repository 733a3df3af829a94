// SPDX-License-Identifier: MIT
// net_load: drives a TCP echo server on this machine, with one thread and epoll, and prints
// "NAME FIGURE" lines.
//
//   net_load echo PORT PID CONNECTIONS IN_FLIGHT SECONDS   64-byte messages, so many under way on
//   each net_load connect PORT PID SECONDS                      connects, one message, closes;
//   again net_load idle PORT PID CONNECTIONS                     one message on each, then nothing
//
// PID is the server's, whose processor time and memory are read. Every reply is checked.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
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
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;
using std::chrono::nanoseconds;

constexpr std::size_t message_size = 64;
constexpr auto warm_up = std::chrono::milliseconds(200);

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}
[[noreturn]] void lost() {
  std::fputs("a reply is not what was sent\n", stderr);
  std::exit(1);
}

// -- the server ----------------------------------------------------------------------------------

// Of all its threads.
double cpu_nanoseconds(const std::string& pid) {
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

double resident_bytes(const std::string& pid) {
  std::FILE* const file = std::fopen(("/proc/" + pid + "/statm").c_str(), "r");
  double size = 0;
  double resident = 0;
  if (file == nullptr || std::fscanf(file, "%lf %lf", &size, &resident) != 2) // NOLINT
    die("the server's memory");
  std::fclose(file);
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// -- latencies -----------------------------------------------------------------------------------

// 64 steps per power of two: within 1.6 %.
class Histogram {
public:
  void add(nanoseconds time) {
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
        end_(begin_ + std::chrono::duration_cast<nanoseconds>(duration<double>(seconds))) {}
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
  void add(nanoseconds time) {
    if (counting_)
      times_.add(time);
  }
  void print() const {
    const auto count = static_cast<double>(times_.count());
    std::printf("per_second %.1f\ncpu_ns %.1f\np50_us %.1f\np99_us %.1f\n",
                count / duration<double>(end_ - begin_).count(), cpu_ / count,
                times_.microseconds(0.5), times_.microseconds(0.99));
  }

private:
  std::string pid_;
  Clock::time_point begin_;
  Clock::time_point end_;
  bool counting_ = false;
  double cpu_ = 0;
  Histogram times_;
};

// -- connections ---------------------------------------------------------------------------------

// From 127.0.0.2 to 127.0.0.251 in turn: closed connections keep their ports for a minute.
int connect_to(std::uint16_t port) {
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

// Numbers its messages; a reply is the message.
class Connection {
public:
  explicit Connection(std::uint16_t port) : fd_(connect_to(port)) {}
  [[nodiscard]] int fd() const { return fd_; }

  void send(std::size_t messages) {
    out_.resize(messages * message_size, 'x');
    for (std::size_t i = 0; i < messages; ++i) {
      std::memcpy(out_.data() + i * message_size, &sent_, sizeof sent_);
      ++sent_;
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
    const std::size_t messages = have_ / message_size;
    const auto now = Clock::now();
    for (std::size_t i = 0; i < messages; ++i) {
      std::uint64_t number = 0;
      std::memcpy(&number, in_.data() + i * message_size, sizeof number);
      if (number != received_++)
        lost();
      if (watch != nullptr)
        watch->add(now - under_way_.front());
      under_way_.pop_front();
    }
    have_ -= messages * message_size;
    std::memmove(in_.data(), in_.data() + messages * message_size, have_);
    return messages;
  }

private:
  int fd_;
  std::uint64_t sent_ = 0, received_ = 0;
  std::size_t have_ = 0;
  std::deque<Clock::time_point> under_way_;
  std::string out_;
  std::array<char, 16 * message_size> in_{};
};

void echo(std::uint16_t port, const std::string& pid, std::size_t connections,
          std::size_t in_flight, double seconds) {
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

void connect(std::uint16_t port, const std::string& pid, double seconds) {
  Watch watch(pid, seconds);
  const std::string message(message_size, 'x');
  std::array<char, message_size> reply{};
  while (watch.goes_on()) {
    const auto begin = Clock::now();
    const int fd = connect_to(port);
    if (::send(fd, message.data(), message.size(), MSG_NOSIGNAL) != message_size ||
        ::recv(fd, reply.data(), reply.size(), MSG_WAITALL) != message_size) {
      die("a message");
    }
    ::close(fd);
    watch.add(Clock::now() - begin);
  }
  watch.print();
}

void idle(std::uint16_t port, const std::string& pid, std::size_t connections) {
  const auto visit = [](Connection& one) {
    one.send(1);
    while (one.receive(nullptr) == 0)
      std::this_thread::yield();
  };
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

} // namespace

int main(int argc, char** argv) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const auto number = [argv](int i) { return std::strtoul(argv[i], nullptr, 10); };
  const auto port = static_cast<std::uint16_t>(argc > 2 ? number(2) : 0);
  if (mode == "echo" && argc == 7 && number(5) >= 1 && number(5) <= 16)
    echo(port, argv[3], number(4), number(5), std::strtod(argv[6], nullptr));
  else if (mode == "connect" && argc == 5)
    connect(port, argv[3], std::strtod(argv[4], nullptr));
  else if (mode == "idle" && argc == 5)
    idle(port, argv[3], number(4));
  else {
    std::fputs("usage: net_load echo PORT PID CONNECTIONS IN_FLIGHT SECONDS\n"
               "       net_load connect PORT PID SECONDS\n"
               "       net_load idle PORT PID CONNECTIONS\n",
               stderr);
    return 2;
  }
  return 0;
}
