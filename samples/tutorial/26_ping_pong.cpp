// SPDX-License-Identifier: MIT
// Two actors by hand play ping-pong. (With grove's own actors: see samples/ping_pong.cpp.)
#include <fmt/core.h>

#include <chrono>
#include <string>

#include <grove/hub.hpp>

#include "inbox_greenlet.hpp"

using namespace std::chrono_literals;

namespace {

class Pinger : public tutorial::InboxGreenlet {
public:
  tutorial::InboxGreenlet* partner = nullptr;

private:
  void receive(const std::string& message) override {
    fmt::print("{}\n", message);
    if (message == "pong" && ++rounds_ == 3) {
      partner->inbox.put("stop");
      stop();
      return;
    }
    partner->inbox.put("ping");
    grove::sleep(0s);
  }
  int rounds_ = 0;
};

class Ponger : public tutorial::InboxGreenlet {
public:
  tutorial::InboxGreenlet* partner = nullptr;

private:
  void receive(const std::string& message) override {
    if (message == "stop") {
      stop();
      return;
    }
    fmt::print("{}\n", message);
    partner->inbox.put("pong");
    grove::sleep(0s);
  }
};

} // namespace

int main() {
  Pinger ping;
  Ponger pong;
  ping.partner = &pong;
  pong.partner = &ping;

  ping.start();
  pong.start();

  ping.inbox.put("start");
  grove::join_all({ping, pong});
}
