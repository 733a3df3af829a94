// SPDX-License-Identifier: MIT
// Chat over TCP: who connects says a name, then each line goes to everybody
// else. Try `nc 127.0.0.1 PORT` twice.
//
// A member has two greenlets: the handler reads, and another writes what the
// member is to hear. In between is a bounded queue, so that nobody waits for
// somebody else's network: who does not read for so long that it is full is
// thrown out.
#include <chrono>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "common.hpp"

using namespace std::chrono_literals;

namespace {

namespace net = grove::net;

constexpr std::size_t longest_name = 32;
constexpr std::size_t longest_line = 1024;
constexpr std::size_t most_unread = 1000;

class Member {
public:
  explicit Member(net::StreamSocket& socket) : socket_(socket) {
    writer_.spawn([this] { write(); });
  }
  // Never waits.
  void hear(const std::string& line) {
    if (!unread_.try_put(line))
      socket_.close(); // its reader gets Closed
  }

private:
  void write() {
    try {
      for (const std::string& line : unread_)
        socket_.send_all(line);
    } catch (const std::exception&) { // it has gone: the reader notices, too
    }
  }

  net::StreamSocket& socket_;
  grove::Queue<std::string> unread_{most_unread};
  grove::Group writer_; // ends with the member
};

class Room {
public:
  // One member, from connecting to leaving.
  void serve(net::StreamSocket& socket) {
    try {
      talk(socket);
    } catch (const grove::TimeoutError&) { // it does not say its name
    } catch (const grove::Closed&) {       // it does not read
    } catch (const std::system_error&) {   // the connection was lost
    }
  }

private:
  // While it lives its member is in the room.
  class Place {
  public:
    Place(Room& room, std::string name, net::StreamSocket& socket)
        : room_(room), name_(std::move(name)) {
      const auto [at, is_new] = room_.members_.try_emplace(name_, socket);
      if (!is_new)
        throw std::length_error("there is a " + name_ + " already");
      room_.say("* " + name_ + " is here\n", name_);
      at->second.hear(
          fmt::format("* hello, {}: there are {} of you\n", name_, room_.members_.size()));
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      room_.members_.erase(name_);
      room_.say("* " + name_ + " has gone\n", name_);
    }

  private:
    Room& room_;
    std::string name_;
  };

  void talk(net::StreamSocket& socket) {
    net::BufferedReader lines(socket);
    try {
      socket.send_all("Your name?\n", 10s);
      const std::string name = lines.read_line(longest_name, 60s).value_or("");
      if (name.empty())
        return;
      const Place place(*this, name, socket);
      for (const std::string& line : lines.lines(longest_line))
        say(name + ": " + line + "\n", name);
    } catch (const std::length_error& error) {
      socket.send_all(fmt::format("Sorry: {}\n", error.what()), 10s);
    }
  }
  void say(const std::string& line, const std::string& by) {
    for (auto& [name, member] : members_) {
      if (name != by)
        member.hear(line);
    }
  }

  std::map<std::string, Member> members_;
};

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"A chat room for whoever connects."};
  std::uint16_t port = 7001;
  std::size_t most = 1000;
  sample::add_port(app, port);
  app.add_option("--most", most, "connections at a time")->capture_default_str();
  return sample::run(app, argc, argv, [&] {
    Room room;
    net::StreamServerOptions options;
    options.max_connections = most;
    net::StreamServer server(
        net::Address::loopback(port), [&](net::StreamSocket& socket) { room.serve(socket); },
        options);
    server.start();
    fmt::print("chat_server: at {}\n", server.address().to_string());
    server.serve_forever();
    return 0;
  });
}
