// SPDX-License-Identifier: MIT
// WithoutSigpipe: for calls that cannot be told not to raise it. Private to grove's libraries.
#pragma once

#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace grove::detail {

// While it lives, a write to what nobody reads raises no SIGPIPE in this thread.
class WithoutSigpipe {
public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    if (sigismember(&before_, SIGPIPE) == 1) { // somebody else's may be pending already
      sigset_t pending;
      sigpending(&pending);
      was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    }
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  ~WithoutSigpipe() {
    const int saved = errno;
    if (broken_ && !was_pending_) {
      const timespec at_once{};
      while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = saved;
  }
  void broken() { broken_ = true; }

private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
  bool broken_ = false;
};

} // namespace grove::detail
