// SPDX-License-Identifier: MIT
// fork(): tells what the parent made from what is ours.
#include "fork.hpp"

#include <pthread.h>

#include <stdexcept>
#include <string>

namespace grove::zmq::detail {

constinit unsigned forks = 0;
constinit std::mutex process_mutex;

void watch_for_forks() {
  static const int once =
      pthread_atfork([] { process_mutex.lock(); }, [] { process_mutex.unlock(); },
                     [] {
                       ++forks;
                       process_mutex.unlock();
                     });
  static_cast<void>(once);
}

void throw_of_the_parent(const char* what) {
  throw std::logic_error(std::string("grove: ") + what +
                         ": it was made before fork(), and belongs to the parent");
}

} // namespace grove::zmq::detail
