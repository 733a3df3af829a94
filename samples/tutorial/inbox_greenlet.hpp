// SPDX-License-Identifier: MIT
// An actor by hand, as gevent's users write it: a greenlet with a queue as its inbox.
#pragma once

#include <string>

#include <grove/hub.hpp>

namespace tutorial {

// Handles one message after the other until it calls stop(). Must outlive its run.
// (Grove's own actors own no stack while they are idle: see samples/ping_pong.cpp.)
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

} // namespace tutorial
