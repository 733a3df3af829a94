// SPDX-License-Identifier: MIT
// Actors by hand, as gevent's users write them: a greenlet with a queue as its inbox.
// (Grove's own actors, which own no stack while they are idle: see samples/ping_pong.cpp.)
#include <fmt/core.h>

#include <chrono>
#include <string>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

namespace {

class InboxGreenlet : public grove::Greenlet {
public:
  grove::Queue<std::string> inbox;

protected:
  virtual void receive(const std::string& message) = 0;
  void stop() { running_ = false; }

private:
  void run() final {
    while (running_)
      receive(inbox.get());
  }
  bool running_ = true;
};

class Pinger : public InboxGreenlet {
public:
  InboxGreenlet* partner = nullptr;

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

class Ponger : public InboxGreenlet {
public:
  InboxGreenlet* partner = nullptr;

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
