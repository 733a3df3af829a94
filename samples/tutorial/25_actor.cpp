// SPDX-License-Identifier: MIT
// The smallest actor by hand: it prints what it is told, until it is told to stop.
#include <fmt/core.h>

#include <string>

#include "inbox_greenlet.hpp"

namespace {

class Printer : public tutorial::InboxGreenlet {
  void receive(const std::string& message) override {
    if (message == "stop")
      stop();
    else
      fmt::print("{}\n", message);
  }
};

} // namespace

int main() {
  Printer printer;
  printer.start();

  printer.inbox.put("hello");
  printer.inbox.put("world");
  printer.inbox.put("stop");
  printer.join();
}
