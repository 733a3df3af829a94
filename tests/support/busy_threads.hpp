// SPDX-License-Identifier: MIT
// Keeps the threads of the default pool busy.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include <gtest/gtest.h>

#include <grove/hub/thread_pool.hpp>
#include <grove/hub/timeout.hpp>

namespace grove::test {

// All of them, until it is told.
class BusyThreads {
public:
  BusyThreads() {
    for (std::size_t i = 0; i < default_thread_pool().max_threads(); ++i)
      default_thread_pool().submit([over = over_] { over->wait(false); });
  }
  BusyThreads(const BusyThreads&) = delete;
  BusyThreads& operator=(const BusyThreads&) = delete;
  ~BusyThreads() { end(); }
  void let_go() {
    *over_ = true;
    over_->notify_all();
  }
  // And waits until all jobs are done.
  void end() {
    let_go();
    const Shield shield;
    EXPECT_TRUE(default_thread_pool().join());
  }

private:
  std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);
};

} // namespace grove::test
