// SPDX-License-Identifier: MIT
// Greenlet: a class whose run() is the greenlet's function.
#include <fmt/core.h>

#include <string>
#include <utility>

#include <grove/hub.hpp>

#include "speed.hpp"

namespace {

class MyGreenlet : public grove::Greenlet {
public:
  MyGreenlet(std::string message, tutorial::Seconds wait)
      : message_(std::move(message)), wait_(wait) {}

private:
  void run() override {
    fmt::print("{}\n", message_);
    grove::sleep(wait_);
  }

  std::string message_;
  tutorial::Seconds wait_;
};

} // namespace

int main(int argc, char** argv) {
  const auto second = tutorial::second("Greenlet: a class that is one", argc, argv);

  MyGreenlet g("Hi there!", 3 * second);
  g.start();
  g.join();
}
