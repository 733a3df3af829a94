// SPDX-License-Identifier: MIT
// The blocking matrix with what stands on top of sockets, and with datagrams.
//
// gevent C15
// reliability 10
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include <grove/hub/pipe.hpp>
#include <grove/net/buffered_reader.hpp>
#include <grove/net/buffered_writer.hpp>
#include <grove/net/datagram_server.hpp>
#include <grove/net/datagram_socket.hpp>
#include <grove/net/descriptor_passing.hpp>
#include <grove/net/pipe_stream.hpp>
#include <grove/net/poll.hpp>
#include <grove/net/proxy_protocol.hpp>
#include <grove/net/relay.hpp>
#include <grove/net/select.hpp>
#include <grove/net/stream_server.hpp>

#include "../support/blocking_call.hpp"
#include "../support/connected.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using net::DatagramSocket;

class OfPair : public BlockingCall {
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  Connected ends_ = Connected::unix_pair();
};

// -- what is read ---------------------------------------------------------------------------------

class ReadLine : public OfPair {
  bool call(Deadline deadline) override { return reader_.read_line(100, deadline) == "line"; }
  void release() override { ends_.client.send_all("line\n"); }

protected:
  net::BufferedReader reader_{ends_.server};
};
class ReadUntil : public ReadLine {
  bool call(Deadline deadline) override { return reader_.read_until("|", 100, deadline) == "part"; }
  void release() override { ends_.client.send_all("part|"); }
};
// The first half is there: it is taken with the second, or not at all.
class ReadTheRest : public ReadLine {
public:
  ReadTheRest() { again(); }

private:
  bool call(Deadline deadline) override {
    return reader_.read_exactly(12, deadline) == "first second";
  }
  void release() override { ends_.client.send_all("second"); }
  void again() override { ends_.client.send_all("first "); }
};
class ReadBuffered : public ReadLine {
  bool call(Deadline deadline) override {
    std::array<char, 10> into{};
    return reader_.read(into, deadline) == 1;
  }
  void release() override { ends_.client.send_all("x"); }
};
class Peek : public ReadLine {
  bool call(Deadline deadline) override { return reader_.peek(2, deadline) == "xy"; }
  void release() override { ends_.client.send_all("xy"); }
  void again() override { reader_.skip(reader_.buffered().size()); }
};
class ReadProxyHeader : public OfPair {
  bool call(Deadline deadline) override {
    return net::read_proxy_header(ends_.server, deadline).version == 1;
  }
  void release() override { ends_.client.send_all("PROXY UNKNOWN\r\n"); }
};
class ReceiveDescriptors : public OfPair {
  bool call(Deadline deadline) override {
    std::array<char, 10> into{};
    return net::recv_descriptors(ends_.server, into, 1, deadline).descriptors.size() == 1;
  }
  void release() override { net::send_descriptors(ends_.client, "x", std::array{STDERR_FILENO}); }
};
class PipeReceive : public BlockingCall {
  bool call(Deadline deadline) override { return stream_.recv(10, deadline) == "x"; }
  void release() override { stream_.send_all("x"); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  Pipe pipe_;
  net::PipeStream stream_{std::move(pipe_.reader), std::move(pipe_.writer)}; // talks to itself
};
class PipeWaitReadable : public PipeReceive {
  bool call(Deadline deadline) override { return stream_.wait_readable(deadline); }
  void again() override { stream_.recv(10); }
  bool get_like() const override { return false; }
};

// -- what is written ------------------------------------------------------------------------------

class Flush : public OfPair {
public:
  Flush() { again(); }

private:
  bool call(Deadline deadline) override {
    writer_.write("more");
    writer_.flush(deadline);
    return writer_.buffered() == 0;
  }
  void release() override { drain(ends_.server); }
  void again() override { fill(ends_.client); }
  net::BufferedWriter writer_{ends_.client};
};
class SendDescriptors : public OfPair {
public:
  SendDescriptors() { again(); }

private:
  bool call(Deadline deadline) override {
    net::send_descriptors(ends_.client, "more", std::array{STDERR_FILENO}, deadline);
    return true;
  }
  void release() override { drain(ends_.server); }
  void again() override { fill(ends_.client); }
};

// -- from one to the other ------------------------------------------------------------------------

class Copy : public OfPair {
  bool call(Deadline deadline) override {
    return net::copy(ends_.server, to_.client, deadline) == 1;
  }
  void release() override {
    ends_.client.send_all("x");
    ends_.client.close();
  }
  void again() override { ends_ = Connected::unix_pair(); }
  Connected to_ = Connected::unix_pair();
};
class Relay : public OfPair {
  bool call(Deadline deadline) override {
    const net::Relayed counts = net::relay(ends_.server, others_.client, deadline);
    return counts.forth == 1 && counts.back == 2;
  }
  void release() override {
    ends_.client.send_all("x");
    ends_.client.shutdown_write();
    others_.server.send_all("yz");
    others_.server.shutdown_write();
  }
  void again() override {
    ends_ = Connected::unix_pair();
    others_ = Connected::unix_pair();
  }
  Connected others_ = Connected::unix_pair();
};

// -- which of many --------------------------------------------------------------------------------

class PollMany : public OfPair {
  bool call(Deadline deadline) override {
    std::array<pollfd, 2> all{pollfd{ends_.server.descriptor(), POLLIN, 0}, pollfd{-1, POLLIN, 0}};
    return net::poll(all, deadline) == 1;
  }
  void release() override { ends_.client.send_all("x"); }
  void again() override { drain(ends_.server); }
  bool get_like() const override { return false; }
};
class Select : public PollMany {
  bool call(Deadline deadline) override {
    return !net::select({ends_.server}, {}, {}, deadline).empty();
  }
};
class PollObject : public PollMany {
public:
  PollObject() { poll_.add(ends_.server, POLLIN); }

private:
  bool call(Deadline deadline) override { return !poll_.wait(deadline).empty(); }
  net::Poll poll_;
};

// -- datagrams ------------------------------------------------------------------------------------

class ReceiveFrom : public BlockingCall {
  bool call(Deadline deadline) override { return receiver_.recv_from(buffer_, deadline).size == 1; }
  void release() override { sender_.send_to("x", receiver_.local_address()); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  std::string buffer_ = std::string(100, ' ');
  DatagramSocket receiver_{net::Address::loopback()};
  DatagramSocket sender_{net::Address::loopback()};
};
class ReceiveDatagram : public ReceiveFrom {
  bool call(Deadline deadline) override { return receiver_.recv(buffer_, deadline) == 1; }
};
class ReceiveMany : public ReceiveFrom {
  bool call(Deadline deadline) override {
    std::array<DatagramSocket::Slot, 3> slots{};
    for (auto& slot : slots)
      slot.buffer = buffer_;
    return receiver_.recv_many(slots, deadline) == 1;
  }
};
// A Unix socket whose queue is full.
class SendTo : public BlockingCall {
public:
  SendTo() { again(); }

private:
  bool call(Deadline deadline) override {
    sender_.send_to("more", receiver_.local_address(), deadline);
    return true;
  }
  void release() override {
    while (receiver_.try_recv_from(buffer_)) {
    }
  }
  void again() override {
    while (sender_.try_send_to("x", receiver_.local_address())) {
    }
  }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }
  std::string buffer_ = std::string(100, ' ');

protected:
  DatagramSocket receiver_{
      net::Address::unix_path("@grove-datagram-matrix-" + std::to_string(getpid()))};
  DatagramSocket sender_{AF_UNIX};
};
// The same of a server.
class ServerSendTo : public SendTo {
  bool call(Deadline deadline) override {
    server_.send_to("more", receiver_.local_address(), deadline);
    return true;
  }
  net::DatagramServer server_{DatagramSocket(AF_UNIX), [](std::string_view) {}};
};
class SendDatagram : public SendTo {
public:
  SendDatagram() { sender_.connect(receiver_.local_address()); }

private:
  bool call(Deadline deadline) override {
    sender_.send("more", deadline);
    return true;
  }
};

// -- servers --------------------------------------------------------------------------------------

class WaitStopped : public BlockingCall {
public:
  WaitStopped() { again(); }

private:
  bool call(Deadline deadline) override { return server_.wait_stopped(deadline); }
  void release() override { server_.stop_accepting(); }
  void again() override { server_.start(); }
  bool direct() const override { return false; }
  net::StreamServer server_{net::Address::loopback(), [](net::StreamSocket&) {}};
};

[[maybe_unused]] const bool rows_added =
    add_blocking_calls({blocking_row<ReadLine>("read_line"),
                        blocking_row<ReadUntil>("read_until"),
                        blocking_row<ReadTheRest>("read_the_rest"),
                        blocking_row<ReadBuffered>("read"),
                        blocking_row<Peek>("peek"),
                        blocking_row<ReadProxyHeader>("read_proxy_header"),
                        blocking_row<ReceiveDescriptors>("recv_descriptors"),
                        blocking_row<PipeReceive>("pipe_recv"),
                        blocking_row<PipeWaitReadable>("pipe_wait_readable"),
                        blocking_row<Flush>("flush"),
                        blocking_row<SendDescriptors>("send_descriptors"),
                        blocking_row<Copy>("copy"),
                        blocking_row<Relay>("relay"),
                        blocking_row<PollMany>("poll"),
                        blocking_row<Select>("select"),
                        blocking_row<PollObject>("poll_object"),
                        blocking_row<ReceiveFrom>("recv_from"),
                        blocking_row<ReceiveDatagram>("recv_datagram"),
                        blocking_row<ReceiveMany>("recv_many"),
                        blocking_row<SendTo>("send_to"),
                        blocking_row<ServerSendTo>("server_send_to"),
                        blocking_row<SendDatagram>("send_datagram"),
                        blocking_row<WaitStopped>("wait_stopped")});

} // namespace
} // namespace grove::test
