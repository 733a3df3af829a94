// SPDX-License-Identifier: MIT
// The blocking matrix with every call of grove::net that waits. The rows of others are added in
// their own files.
//
// gevent C15, C16
// reliability 10
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/stream_socket.hpp>

#include "../hub/blocking_matrix_test.cpp" // NOLINT: the same tests, of what is listed here
#include "../support/connected.hpp"

namespace grove::test {
namespace {

using net::StreamSocket;

// What receives, over TCP.
class Receive : public BlockingCall {
  bool call(Deadline deadline) override { return ends_.server.recv(10, deadline) == "x"; }
  void release() override { ends_.client.send_all("x"); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  Connected ends_ = Connected::tcp();
};
class ReceiveInto : public Receive {
  bool call(Deadline deadline) override {
    char c = 0;
    return ends_.server.recv_into({&c, 1}, deadline) == 1 && c == 'x';
  }
};
class ReceiveExactly : public Receive {
  bool call(Deadline deadline) override { return ends_.server.recv_exactly(2, deadline) == "xy"; }
  void release() override { ends_.client.send_all("xy"); }
};
// The first half is there: what was taken of it is never lost.
class ReceiveTheRest : public Receive {
public:
  ReceiveTheRest() { ends_.client.send_all("first "); }

private:
  bool call(Deadline deadline) override {
    return ends_.server.recv_exactly(12, deadline) == "first second";
  }
  void release() override { ends_.client.send_all("second"); }
  void again() override { ends_.client.send_all("first "); }
};
class WaitReadable : public Receive {
  bool call(Deadline deadline) override { return ends_.server.wait_readable(deadline); }
  void again() override { drain(ends_.server); }
  bool get_like() const override { return false; }
};
class ReadableOp : public Receive {
  bool call(Deadline deadline) override {
    return wait_any(ends_.server.readable_op(), after(deadline)).index() == 0;
  }
  void again() override { drain(ends_.server); }
  bool get_like() const override { return false; }
};
class WaitForSocket : public ReadableOp {
  bool call(Deadline deadline) override {
    return one_is_ready(std::vector<StreamSocket*>{&ends_.server}, deadline);
  }
};

// What sends, into a socket without room.
class Send : public BlockingCall {
public:
  Send() { fill(ends_.client); }

private:
  bool call(Deadline deadline) override { return ends_.client.send("more", deadline) == 4; }
  void release() override { drain(ends_.server); }
  void again() override { fill(ends_.client); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  Connected ends_ = Connected::unix_pair();
};
class SendAll : public Send {
  bool call(Deadline deadline) override {
    ends_.client.send_all("more", deadline);
    return true;
  }
};
class SendParts : public Send {
  bool call(Deadline deadline) override {
    ends_.client.send_all(std::vector<std::string_view>{"m", "", "o", "re"}, deadline);
    return true;
  }
};
class SendSteadily : public Send {
  bool call(Deadline deadline) override {
    const auto left = deadline.is_never()
                          ? std::chrono::hours(1)
                          : std::chrono::nanoseconds(std::max<std::int64_t>(
                                deadline.nanoseconds() - detail::now_nanoseconds(), 0));
    ends_.client.send_steadily("more", left);
    return true;
  }
};
class SendFile : public Send {
  bool call(Deadline deadline) override {
    return ends_.client.send_file(file_, 0, 10, deadline) == 4;
  }

public:
  ~SendFile() override { ::close(file_); }

protected:
  int file_ = [] {
    char name[] = "/tmp/grove_net_XXXXXX";
    const int fd = mkostemp(name, O_CLOEXEC);
    unlink(name);
    EXPECT_EQ(write(fd, "more", 4), 4);
    return fd;
  }();
};
class SendFileAll : public SendFile {
  bool call(Deadline deadline) override {
    return ends_.client.send_file_all(file_, 0, 10, deadline) == 4;
  }
};
class WaitWritable : public Send {
  bool call(Deadline deadline) override { return ends_.client.wait_writable(deadline); }
  bool get_like() const override { return false; }
};
class WritableOp : public Send {
  bool call(Deadline deadline) override {
    return wait_any(ends_.client.writable_op(), after(deadline)).index() == 0;
  }
  bool get_like() const override { return false; }
};

class Accept : public BlockingCall {
  bool call(Deadline deadline) override { return listener_.accept(deadline).is_open(); }
  void release() override { net::connect(listener_.local_address(), 10s); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }
  net::Listener listener_{net::Address::loopback()};
};

// A Unix socket's listener whose queue is full.
class ConnectUnix : public BlockingCall {
public:
  ConnectUnix() { again(); }

private:
  bool call(Deadline deadline) override {
    return net::connect(listener_.local_address(), deadline).is_open();
  }
  void release() override { listener_.accept(); }
  void again() override {
    while (listener_.try_accept()) {
    }
    net::connect(listener_.local_address());
  }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }
  net::Listener listener_{net::Address::unix_path("@grove-matrix-" + std::to_string(getpid())),
                          {.backlog = 0}};
};

// Over TCP the kernel drops what a full queue has no room for, and the client tries again a second
// later. So as not to wait for that, the listener's address calls it, too (RFC 9293, 3.5: both
// may).
class ConnectTcp : public BlockingCall {
public:
  ConnectTcp() { again(); }
  ~ConnectTcp() override { hang_up(); }

private:
  bool call(Deadline deadline) override {
    return net::connect(listener_.local_address(), deadline).is_open();
  }
  void release() override {
    while (listener_.try_accept()) {
    }
    for (const net::Address& client : clients_that_try())
      call_back(client);
  }
  void again() override {
    hang_up();
    while (listener_.try_accept()) {
    }
    net::connect(listener_.local_address());
  }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

  // Who has sent a SYN to the listener and got no answer.
  std::vector<net::Address> clients_that_try() const {
    std::vector<net::Address> found;
    std::ifstream table("/proc/net/tcp");
    for (std::string line; std::getline(table, line);) {
      unsigned port = 0;
      unsigned to = 0;
      unsigned state = 0;
      if (std::sscanf(line.c_str(), " %*u: %*8x:%x %*8x:%x %x", &port, &to, &state) == 3 &&
          to == listener_.local_address().port() && state == TCP_SYN_SENT)
        found.push_back(net::Address::loopback(static_cast<std::uint16_t>(port)));
    }
    return found;
  }
  void call_back(const net::Address& client) {
    const net::Address& from = listener_.local_address();
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    calls_.push_back(fd);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    EXPECT_EQ(bind(fd, from.data(), from.size()), 0);
    (void)::connect(fd, client.data(), client.size()); // fails if it has tried again just now
  }
  void hang_up() {
    for (const int fd : std::exchange(calls_, {}))
      ::close(fd);
  }

  net::Listener listener_{net::Address::loopback(), {.backlog = 0, .reuse_port = true}};
  std::vector<int> calls_;
};

[[maybe_unused]] const bool rows_added = add_blocking_calls(
    {blocking_row<Receive>("recv"), blocking_row<ReceiveInto>("recv_into"),
     blocking_row<ReceiveExactly>("recv_exactly"), blocking_row<ReceiveTheRest>("recv_the_rest"),
     blocking_row<WaitReadable>("wait_readable"), blocking_row<ReadableOp>("readable_op"),
     blocking_row<WaitForSocket>("wait_for_socket"), blocking_row<Send>("send"),
     blocking_row<SendAll>("send_all"), blocking_row<SendParts>("send_parts"),
     blocking_row<SendSteadily>("send_steadily"), blocking_row<SendFile>("send_file"),
     blocking_row<SendFileAll>("send_file_all"), blocking_row<WaitWritable>("wait_writable"),
     blocking_row<WritableOp>("writable_op"), blocking_row<Accept>("accept"),
     blocking_row<ConnectUnix>("connect_unix"), blocking_row<ConnectTcp>("connect_tcp")});

} // namespace
} // namespace grove::test
