// SPDX-License-Identifier: MIT
// Where memory runs out: no descriptor leaks, and no byte that was received is lost.
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <grove/hub/hub.hpp>
#include <grove/hub/message_pipe.hpp>
#include <grove/hub/pipe.hpp>

#include "../support/hub_test.hpp"
#include "../support/open_descriptors.hpp"

// The sanitizers have an operator new of their own.
#if !defined(GROVE_TEST_ASAN) && !defined(GROVE_TEST_TSAN)

namespace {
thread_local int allocations_left = -1; // of this thread, until one fails; -1: all succeed
} // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (allocations_left == 0)
    throw std::bad_alloc();
  if (allocations_left > 0)
    --allocations_left;
  if (void* memory = std::malloc(size == 0 ? 1 : size))
    return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace grove::test {
namespace {

class OutOfMemoryTest : public HubTest {};

// Calls f again and again, with one allocation more each time, until it succeeds.
template <class F>
int failures_of(F f) {
  for (int allowed = 0;; ++allowed) {
    allocations_left = allowed;
    try {
      f();
      allocations_left = -1;
      return allowed;
    } catch (const std::bad_alloc&) {
      allocations_left = -1;
    }
  }
}

TEST_F(OutOfMemoryTest, a_pipe_that_cannot_be_made_leaks_no_descriptor) {
  const auto before = open_descriptors().size();
  EXPECT_GE(failures_of([] { const Pipe pipe; }), 2);
  EXPECT_EQ(open_descriptors().size(), before);
}

TEST_F(OutOfMemoryTest, a_message_pipe_that_cannot_be_made_leaks_no_descriptor) {
  const auto before = open_descriptors().size();
  EXPECT_GE(failures_of([] { MessagePipe::pair(); }), 2);
  EXPECT_EQ(open_descriptors().size(), before);
}

TEST_F(OutOfMemoryTest, what_was_received_is_not_lost) {
  auto [here, there] = MessagePipe::pair();
  const std::string message(10'000, 'm');
  there.send("first");
  there.send(message);
  std::optional<std::string> received;
  EXPECT_GE(failures_of([&, &from = here] { received = from.receive(); }), 1);
  EXPECT_EQ(received, "first");
  EXPECT_GE(failures_of([&, &from = here] { received = from.receive(); }), 1);
  EXPECT_EQ(received, message);
}

TEST_F(OutOfMemoryTest, a_message_that_cannot_be_sent_leaves_no_trace) {
  auto [here, there] = MessagePipe::pair();
  EXPECT_GE(failures_of([&to = here] { to.send(std::string(1000, 's')); }), 1);
  EXPECT_EQ(there.receive(), std::string(1000, 's'));
  EXPECT_EQ(there.try_receive(), std::nullopt);
}

} // namespace
} // namespace grove::test

#endif
