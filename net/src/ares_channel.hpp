// SPDX-License-Identifier: MIT
// AresChannel: c-ares talking to one server.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <grove/hub/detail/timer.hpp>
#include <grove/hub/detail/watch.hpp>
#include <grove/net/address.hpp>

#include "dns_answer.hpp"

struct ares_channeldata;

namespace grove::net::detail {

// Who asks. Must live until it is answered.
class Question {
public:
  // Within ask(), from the hub's poll, or from the destructor of the channel (ARES_EDESTRUCTION).
  // May ask again, but not destroy a channel.
  virtual void answered(int status, std::span<const unsigned char> packet) noexcept = 0;

protected:
  ~Question() = default;
};

// Each question is sent once; if its answer is truncated, once more over TCP. Which servers are
// tried, and how often, is for NameServers to say: of several servers that answer SERVFAIL or
// REFUSED c-ares would only say that it could not reach any.
class AresChannel {
public:
  enum class Mode {
    green,    // driven by watches and a timer of the hub
    blocking, // by wait_for() and go_on(): for a thread without a hub
  };
  // std::bad_alloc; std::runtime_error with c-ares' words.
  AresChannel(const Address& server, std::chrono::milliseconds timeout, Mode mode);
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;
  ~AresChannel();

  void ask(const char* name, RecordType type, Question& question);
  bool idle() const { return under_way_ == 0; } // all questions are answered

  // -- blocking
  // Adds what poll(2) is to wait for; gives for how long at most, in milliseconds, or -1: for ever.
  int wait_for(std::vector<pollfd>& into) const;
  void go_on(const pollfd& ready); // which may be another's
  void go_on();                    // time has passed

private:
  struct Asked;
  struct Socket {
    int fd;
    unsigned interest;
    std::unique_ptr<grove::detail::Watch> watch;
  };
  struct Timer : grove::detail::Timer {
    AresChannel* channel = nullptr;
  };
  void on_socket_state(int fd, unsigned interest);
  void on_time();
  int remaining_milliseconds() const;
  void arm_timer(std::chrono::milliseconds after);

  ares_channeldata* channel_ = nullptr;
  Mode mode_;
  std::chrono::milliseconds timeout_;
  std::size_t under_way_ = 0;
  std::vector<Socket> sockets_;
  Timer timer_; // armed, and not too late, while something is under way
};

} // namespace grove::net::detail
