// SPDX-License-Identifier: MIT
// A mutex that is held by a greenlet that waits: told of in debug builds (./dev build debug).
#include <unistd.h>

#include <mutex>

#include "sockets.hpp"

namespace grove::test {
namespace {

class PatchMutexTest : public HubTest {};

// pitfall 60, 82
TEST_F(PatchMutexTest, who_waits_with_one_is_told_of_by_name_in_debug_builds) {
  std::mutex mutex;
  const auto said = [](auto f) {
    testing::internal::CaptureStderr();
    spawn({.name = "holder"}, f).join();
    return testing::internal::GetCapturedStderr();
  };
  const std::string one = "holds 1 pthread mutex\n";
  EXPECT_EQ(said([&] {
              const std::lock_guard lock(mutex);
              usleep(1);
            }),
            detail::debug_checks ? "grove: holder waits in usleep and " + one : "");
  EXPECT_EQ(said([&] {
              const std::lock_guard lock(mutex);
              grove::sleep(1ms);
            }),
            detail::debug_checks ? "grove: holder waits in sleep and " + one : "");
  EXPECT_EQ(said([&] {
              { const std::lock_guard lock(mutex); }
              usleep(1);
            }),
            "");
}

} // namespace
} // namespace grove::test
