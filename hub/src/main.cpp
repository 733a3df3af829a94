// SPDX-License-Identifier: MIT
// Main: signals as exceptions, ordered shutdown, exit codes.
#include <grove/hub/main.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include <grove/hub/join.hpp>

#include "hub_impl.hpp"
#include "interrupts.hpp"
#include "signals.hpp"

namespace grove {

namespace {

// Main's wish to hear of one signal.
struct Interruption : detail::SignalRoute {
  explicit Interruption(int which) {
    signal = which;
    last_resort = true;
    arrived = [](SignalRoute& route) noexcept {
      detail::Interrupts::request_kill(&detail::HubImpl::here().main_identity,
                                       std::make_exception_ptr(Interrupted{route.signal}));
    };
    detail::subscribe(*this);
  }
  ~Interruption() { detail::unsubscribe(*this); }
};

struct Interruptions {
  Interruption interrupt{SIGINT};
  Interruption terminate{SIGTERM};
};
std::unique_ptr<Interruptions> interruptions; // main hub's

} // namespace

Main::Main() {
  detail::here();
  if (getpid() != gettid())
    throw std::logic_error("grove: Main belongs on the main thread");
  if (interruptions != nullptr)
    throw std::logic_error("grove: there is a Main already");
  interruptions = std::make_unique<Interruptions>();
}

Main::~Main() {
  detail::HubImpl::here().shut_down(); // the signals are ours as long as anybody unwinds
  interruptions.reset();
}

int detail::run_main(const std::function<int()>& f) {
  try {
    const Main main;
    try {
      return f();
    } catch (const Interrupted& interrupted) {
      return 128 + interrupted.signal;
    } catch (const GreenletExit&) {
      return 0; // somebody killed main: the ordered end it asks for
    } catch (...) {
      std::fprintf(stderr, "%s\n", describe(std::current_exception()).c_str());
      return 1;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

} // namespace grove
