// SPDX-License-Identifier: MIT
// TLS in the blocking matrix and in the kill-and-timeout sweep.
//
// gevent C15
// reliability 8, 9, 10
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/semaphore.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>
#include <grove/tls.hpp>

#include "../hub/blocking_matrix_test.cpp" // NOLINT: the same tests, of what is listed here
#include "../hub/sweep_test.cpp"           // NOLINT: likewise
#include "../support/connected.hpp"
#include "../support/open_descriptors.hpp"
#include "authority.hpp"

namespace grove::test {
namespace {

using net::StreamSocket;
using tls::TlsStream;

const tls::ServerContext& server_context() {
  static const Issued root = authority("Grove's tests");
  static const tls::ServerContext made({.identities = {issue({}, &root).identity()}});
  return made;
}
// Whom to trust is not what is tested here.
const tls::ClientContext& client_context() {
  static const tls::ClientContext made({.insecure_accept_any_certificate = true});
  return made;
}

struct TlsPair {
  std::optional<TlsStream> client, server;
  TlsPair() {
    Connected ends = Connected::unix_pair();
    auto other =
        spawn([&] { server.emplace(tls::wrap_server(std::move(ends.server), server_context())); });
    client.emplace(tls::wrap_client(std::move(ends.client), client_context(), "localhost"));
    other.get();
  }
  // Sends until there is no room.
  void fill() {
    const std::string block(16'000, 'f');
    try {
      for (;;)
        client->send(block, 0ms);
    } catch (const TimeoutError&) { // one record is half sent
    }
  }
  // Takes what is there.
  static void drain(TlsStream& stream) {
    try {
      while (!stream.recv(65'536, 0ms).empty()) {
      }
    } catch (const TimeoutError&) { // there is no more
    }
  }
};

// -- the matrix -----------------------------------------------------------------------------------

class TlsReceive : public BlockingCall {
  bool call(Deadline deadline) override { return ends_.client->recv(10, deadline) == "x"; }
  void release() override { ends_.server->send_all("x"); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  TlsPair ends_;
};
// The first half is there: what was taken of it is never lost.
class TlsReceiveTheRest : public TlsReceive {
public:
  TlsReceiveTheRest() { again(); }

private:
  bool call(Deadline deadline) override {
    return ends_.client->recv_exactly(12, deadline) == "first second";
  }
  void release() override { ends_.server->send_all("second"); }
  void again() override { ends_.server->send_all("first "); }
};
class TlsWaitReadable : public TlsReceive {
  bool call(Deadline deadline) override { return ends_.client->wait_readable(deadline); }
  void again() override { TlsPair::drain(*ends_.client); }
  bool get_like() const override { return false; }
};

class TlsSend : public BlockingCall {
public:
  TlsSend() { ends_.fill(); }

private:
  bool call(Deadline deadline) override { return ends_.client->send("more", deadline) == 4; }
  void release() override { TlsPair::drain(*ends_.server); }
  void again() override { ends_.fill(); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  TlsPair ends_;
};
class TlsSendParts : public TlsSend {
  bool call(Deadline deadline) override {
    ends_.client->send_all(std::vector<std::string_view>{"m", "", "o", "re"}, deadline);
    return true;
  }
};

class TlsShutdownWrite : public BlockingCall {
public:
  TlsShutdownWrite() { again(); }

private:
  bool call(Deadline deadline) override {
    ends_->client->shutdown_write(deadline);
    return true;
  }
  void release() override { TlsPair::drain(*ends_->server); }
  void again() override {
    ends_.emplace();
    ends_->fill();
  }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }
  std::optional<TlsPair> ends_;
};

// One side of a handshake; the other begins when it may. Each call has a connection of its own, and
// leaves nothing of it behind when it fails.
class OneSide : public BlockingCall {
public:
  void release() override { may_begin_.release(); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  template <class Mine, class Other>
  bool shake_hands(Mine mine, Other other) {
    auto begun = spawn([&] {
      may_begin_.acquire();
      bool done = false;
      const AtExit give_back([&] {
        if (!done) // ours was the one that was interrupted
          may_begin_.release();
      });
      other();
      done = true;
    });
    const AtExit over([&] { begun.kill(); });
    return mine().is_open();
  }

private:
  Semaphore may_begin_{0};
};
template <class Mine, class Other>
class TlsHandshake : public OneSide {
  bool call(Deadline deadline) override {
    Connected ends = Connected::unix_pair();
    return shake_hands([&] { return Mine()(std::move(ends.client), deadline); },
                       [&] { Other()(std::move(ends.server)); });
  }
};
struct AsClient {
  TlsStream operator()(StreamSocket&& socket, Deadline deadline = {}) const {
    return tls::wrap_client(std::move(socket), client_context(), "localhost", deadline);
  }
};
struct AsServer {
  TlsStream operator()(StreamSocket&& socket, Deadline deadline = {}) const {
    return tls::wrap_server(std::move(socket), server_context(), deadline);
  }
};

class TlsConnect : public OneSide {
  bool call(Deadline deadline) override {
    net::Listener listener(net::Address::loopback());
    const std::uint16_t port = listener.local_address().port();
    return shake_hands([&] { return tls::connect("127.0.0.1", port, client_context(), deadline); },
                       [&] { AsServer()(listener.accept()); });
  }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls(
    {blocking_row<TlsReceive>("recv"), blocking_row<TlsReceiveTheRest>("recv_the_rest"),
     blocking_row<TlsWaitReadable>("wait_readable"), blocking_row<TlsSend>("send"),
     blocking_row<TlsSendParts>("send_parts"), blocking_row<TlsShutdownWrite>("shutdown_write"),
     blocking_row<TlsHandshake<AsClient, AsServer>>("wrap_client"),
     blocking_row<TlsHandshake<AsServer, AsClient>>("wrap_server"),
     blocking_row<TlsConnect>("connect")});

// -- the sweep ------------------------------------------------------------------------------------

constexpr int messages = 3;

std::string message(int i) { return "message " + std::to_string(i) + "\n"; }

// What the victim has not received is still there for the next.
class TlsReceiving : public Scenario {
  void begin() override {
    sender_ = spawn([this] {
      for (int i = 0; i < messages; ++i) {
        ends_.server->send_all(message(i).substr(0, 5));
        settle(3);
        ends_.server->send_all(message(i).substr(5));
        settle(3);
      }
    });
  }
  void victim() override { receive(); }
  void check() override {
    receive();
    for (int i = 0; i < messages; ++i)
      EXPECT_EQ(taken_[static_cast<std::size_t>(i)], message(i));
    sender_.get();
  }
  void receive() {
    while (taken_.size() < messages)
      taken_.push_back(ends_.client->recv_exactly(message(0).size()));
  }
  TlsPair ends_;
  std::vector<std::string> taken_;
  GreenletRef<> sender_;
};

// What send_all() has said it sent arrives, then a part of what it was interrupted in, and then
// what is sent next: the stream stays sound.
class TlsSending : public Scenario {
  void begin() override {
    receiver_ = spawn([this] {
      for (std::string piece; !(piece = ends_.server->recv(65'536)).empty();)
        received_ += piece;
    });
  }
  void victim() override {
    for (int i = 0; i < messages; ++i) {
      ends_.client->send_all(much(i));
      sent_ += much(i);
    }
  }
  void check() override {
    ends_.client->send_all("the end");
    ends_.client->shutdown_write();
    receiver_.get();
    std::string_view rest = received_;
    ASSERT_TRUE(rest.starts_with(sent_));
    rest.remove_prefix(sent_.size());
    ASSERT_TRUE(rest.ends_with("the end"));
    rest.remove_suffix(7);
    const auto next = static_cast<int>(sent_.size() / much(0).size());
    EXPECT_TRUE(much(next).starts_with(rest)) << "something else came between";
  }
  static std::string much(int i) { return std::string(300'000, static_cast<char>('a' + i)); }
  TlsPair ends_;
  std::string sent_, received_;
  GreenletRef<> receiver_;
};

// From the connection to its end, as a client or a server: no descriptor is left, however it ends,
// and the next one is served.
class TlsMeeting : public Scenario {
protected:
  void begin() override {
    server_context(); // opens files
    client_context();
    other_ = spawn([this] {
      for (;;) {
        try {
          other();
        } catch (const std::exception&) { // the victim has gone
        }
      }
    });
    settle();
    before_ = open_descriptors().size();
  }
  void victim() override {
    for (int i = 0; i < messages; ++i)
      mine();
  }
  void check() override {
    for (int i = 0; i < 1000 && open_descriptors().size() != before_; ++i)
      sleep(1ms); // the other one has the last connection still
    EXPECT_EQ(open_descriptors().size(), before_);
    mine();
    other_.kill();
  }
  void client() {
    TlsStream stream =
        tls::connect("127.0.0.1", listener_.local_address().port(), client_context(), 30s);
    stream.send_all("question");
    stream.shutdown_write();
    EXPECT_EQ(stream.recv_exactly(6), "answer");
    EXPECT_EQ(stream.recv(1), "");
  }
  void server() {
    TlsStream stream = tls::wrap_server(listener_.accept(), server_context(), 30s);
    EXPECT_EQ(stream.recv_exactly(8), "question");
    EXPECT_EQ(stream.recv(1), "");
    stream.send_all("answer");
    stream.shutdown_write();
    stream.close();
  }
  virtual void mine() = 0;
  virtual void other() = 0;

private:
  net::Listener listener_{net::Address::loopback()};
  std::size_t before_ = 0;
  GreenletRef<> other_;
};
class TlsClientMeeting : public TlsMeeting {
  void mine() override { client(); }
  void other() override { server(); }
};
class TlsServerMeeting : public TlsMeeting {
  void mine() override { server(); }
  void other() override { client(); }
};

[[maybe_unused]] const bool scenarios_added = add_scenarios(
    {scenario_row<TlsReceiving>("receiving"), scenario_row<TlsSending>("sending"),
     scenario_row<TlsClientMeeting>("client"), scenario_row<TlsServerMeeting>("server")});

} // namespace
} // namespace grove::test
