// SPDX-License-Identifier: MIT
// Main: signals as exceptions, ordered shutdown, exit codes.
#include <grove/hub/main.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <grove/hub/detail/watch.hpp>
#include <grove/hub/join.hpp>

#include "hub_impl.hpp"
#include "interrupts.hpp"

namespace grove {

namespace {

constexpr int handled_signals[] = {SIGINT, SIGTERM};

std::atomic<int> signal_fd{-1};
std::atomic<int> first_signal{0};
struct sigaction previous[std::size(handled_signals)];
std::unique_ptr<detail::Watch> watch; // main hub's

void on_signal(int signal) {
  const int saved = errno;
  int none = 0;
  if (first_signal.compare_exchange_strong(none, signal)) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(signal_fd.load(), &one, sizeof one);
  } else { // the second one: as if Main were not there
    std::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  errno = saved;
}

void on_ready(detail::Watch& w, unsigned) noexcept {
  std::uint64_t count;
  [[maybe_unused]] const auto n = ::read(w.fd(), &count, sizeof count);
  detail::HubImpl& hub = detail::HubImpl::here();
  detail::Interrupts::request_kill(&hub.main_identity,
                                   std::make_exception_ptr(Interrupted{first_signal.load()}));
}

} // namespace

Main::Main() {
  detail::here();
  if (getpid() != gettid())
    throw std::logic_error("grove: Main belongs on the main thread");
  if (watch != nullptr)
    throw std::logic_error("grove: there is a Main already");
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0)
    throw std::system_error(errno, std::system_category(), "grove: eventfd for signals");
  signal_fd = fd;
  first_signal = 0;
  watch = std::make_unique<detail::Watch>(fd, detail::readable, on_ready);
  watch->counted = false; // a signal that may come is no reason to wait for ever
  watch->start();
  for (std::size_t i = 0; i < std::size(handled_signals); ++i) {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(handled_signals[i], &action, &previous[i]);
  }
}

Main::~Main() {
  for (std::size_t i = 0; i < std::size(handled_signals); ++i) {
    sigaction(handled_signals[i], &previous[i], nullptr);
  }
  watch.reset();
  ::close(signal_fd.exchange(-1));
  detail::HubImpl::here().shut_down();
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
      std::fprintf(stderr, "%s\n", describe_exception(std::current_exception()).c_str());
      return 1;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

} // namespace grove
