// SPDX-License-Identifier: MIT
// Stacks: sizes, guards, overflow, many of them, and what happens when there are none.
#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <new>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>

#include <grove/hub/detail/hub_life.hpp>
#include <grove/hub/detail/identity.hpp>
#include <grove/hub/detail/stack_memory.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>

#include "../support/deep_stack.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class StackTest : public HubTest {};

// Counted by addresses, as sanitizers make frames larger.
[[gnu::noinline]] std::size_t use_stack_down_to(std::uintptr_t bottom) {
  volatile char block[1024];
  for (std::size_t i = 0; i < sizeof block; i += 64)
    block[i] = static_cast<char>(i);
  if (frame_address() <= bottom)
    return static_cast<std::size_t>(block[64]);
  return use_stack_down_to(bottom) + static_cast<std::size_t>(block[128] != 0);
}
std::size_t use_stack(std::size_t bytes) { return use_stack_down_to(frame_address() - bytes); }

TEST_F(StackTest, half_of_the_default_stack_can_be_used) {
  EXPECT_NO_FATAL_FAILURE(spawn([] { return use_stack(48 * 1024); }).get());
  auto g = spawn([] {
    yield();
    return use_stack(48 * 1024);
  });
  EXPECT_TRUE(g.join());
  EXPECT_TRUE(g.successful());
}

TEST_F(StackTest, a_stack_size_is_given_in_usable_bytes) {
  for (const std::size_t size : {std::size_t{256} * 1024, std::size_t{8} << 20}) {
    auto g = spawn(SpawnOptions{.stack_size = size}, [&] {
      use_stack(size / 4 * 3);
      yield();
      use_stack(size / 4 * 3);
      return size;
    });
    EXPECT_EQ(g.get(), size);
  }
}

// pitfall 22
TEST_F(StackTest, a_size_of_one_byte_is_raised_to_what_is_needed) {
  EXPECT_EQ(spawn(SpawnOptions{.stack_size = 1},
                  [] {
                    yield();
                    return 5;
                  })
                .get(),
            5);
}

TEST_F(StackTest, stacks_of_their_own_size_are_used_again) {
  const auto one = [] { spawn(SpawnOptions{.stack_size = 1 << 20}, [] { yield(); }).join(); };
  one();
  const auto before = Hub::current().stats().stacks;
  for (int i = 0; i < 50; ++i)
    one();
  EXPECT_EQ(Hub::current().stats().stacks, before);
}

TEST_F(StackTest, one_that_never_began_has_no_stack) {
  spawn([] { yield(); }).join();
  const auto before = Hub::current().stats().stacks;
  std::vector<GreenletRef<>> all;
  for (std::size_t i = 0; i < crowd; ++i)
    all.push_back(make_greenlet([] {}));
  EXPECT_EQ(Hub::current().stats().stacks, before);
}

bool is_in_memory(std::uintptr_t address) {
  constexpr std::uintptr_t page = 4096;
  unsigned char residency = 0;
  EXPECT_EQ(mincore(reinterpret_cast<void*>(address / page * page), page, &residency), 0);
  return (residency & 1) != 0;
}

TEST_F(StackTest, what_a_waiting_greenlet_does_not_stand_on_can_be_given_back) {
  constexpr std::size_t depth = 48 * 1024;
  Event go_on;
  std::uintptr_t below = 0;
  const detail::Identity* who = nullptr;
  std::string kept;
  auto waits = spawn([&] {
    const volatile std::uint64_t mark = 0x6b657074;
    use_stack(depth);
    below = frame_address() - depth / 2;
    who = detail::here().current;
    go_on.wait();
    kept = mark == 0x6b657074 ? "kept" : "lost";
    use_stack(depth);
  });
  yield();
  ASSERT_EQ(go_on.waiters(), 1);
  EXPECT_TRUE(is_in_memory(below));
  detail::trim_stack(*who);
  EXPECT_FALSE(is_in_memory(below));
  go_on.set();
  waits.join();
  EXPECT_EQ(kept, "kept");
}

// pitfall 15
TEST_F(StackTest, a_crowd_of_parked_greenlets_has_a_stack_each) {
  Event go_on;
  std::vector<std::uintptr_t> places;
  std::vector<GreenletRef<>> all;
  for (std::size_t i = 0; i < crowd; ++i) {
    all.push_back(spawn([&] {
      char here = 0;
      places.push_back(reinterpret_cast<std::uintptr_t>(&here));
      go_on.wait();
    }));
  }
  yield();
  EXPECT_EQ(go_on.waiters(), crowd);
  EXPECT_GE(Hub::current().stats().stacks, crowd);
  go_on.set();
  join_all(all);
  std::sort(places.begin(), places.end());
  EXPECT_EQ(std::adjacent_find(places.begin(), places.end()), places.end());
}

// pitfall 15
// reliability 4
TEST_F(StackTest, more_guarded_stacks_than_the_kernel_has_mappings) {
  if (sanitized)
    GTEST_SKIP() << "too many greenlets for a sanitizer";
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  if (limit == 0 || limit > 70000)
    GTEST_SKIP() << "vm.max_map_count is out of reach";
  const std::size_t count = limit / 2 + 1000; // two mappings each would be too many
  Event go_on;
  std::size_t began = 0;
  std::vector<GreenletRef<>> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(spawn([&] {
      ++began;
      go_on.wait();
    }));
  }
  // On a kernel without light guards some of them are refused, by an error that says so.
  ErrorLog errors;
  settle(2);
  go_on.set();
  join_all(all);
  EXPECT_EQ(began + errors.size(), count);
  for (std::size_t i = 0; i < std::min<std::size_t>(errors.size(), 1); ++i) {
    EXPECT_NE(errors[i].what.find("max_map_count"), std::string::npos) << errors[i].what;
  }
}

// What /proc/self/smaps says of the mapping that holds an address.
std::string mapping_flags(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    const auto dash = line.find('-');
    if (dash != std::string::npos && dash > 0 &&
        std::isxdigit(static_cast<unsigned char>(line[0])) && line.find(':') > dash) {
      const auto from = std::stoull(line, nullptr, 16);
      const auto to = std::stoull(line.substr(dash + 1), nullptr, 16);
      inside = wanted >= from && wanted < to;
    } else if (inside && line.rfind("VmFlags:", 0) == 0) {
      return line + " ";
    }
  }
  return "";
}

// pitfall 16, 17
TEST_F(StackTest, stacks_lie_in_mappings_of_their_own_without_huge_pages) {
  Event go_on;
  const char* place = nullptr;
  auto g = spawn([&] {
    char here = 0;
    place = &here;
    go_on.wait();
  });
  yield();
  const std::string flags = mapping_flags(place);
  ASSERT_NE(flags, "");
  EXPECT_NE(flags.find(" nh "), std::string::npos) << flags;
  go_on.set();
  g.join();
}

// -- overflow ------------------------------------------------------------------------------------

// gevent L14
// pitfall 13, 14
// reliability 6
TEST_F(StackTest, an_overflow_is_reported_with_name_and_size_and_ends_the_process) {
  if (sanitized)
    GTEST_SKIP() << "the sanitizer reports it in its own words";
  in_fresh_processes();
  EXPECT_EXIT(
      { spawn(SpawnOptions{.name = "deep-one"}, [] { return recurse_for_ever(0); }).join(); },
      ::testing::KilledBySignal(SIGABRT), "deep-one.*[0-9]{5}");
}

// pitfall 13
// reliability 6
TEST_F(StackTest, an_overflow_of_a_stack_of_its_own_size_names_that_size) {
  if (sanitized)
    GTEST_SKIP() << "the sanitizer reports it in its own words";
  in_fresh_processes();
  EXPECT_EXIT(
      {
        spawn(SpawnOptions{.name = "own-size", .stack_size = 1 << 20}, [] {
          yield();
          return recurse_for_ever(0);
        }).join();
      },
      ::testing::KilledBySignal(SIGABRT), "own-size.*10[0-9]{5}");
}

// pitfall 14
TEST_F(StackTest, one_large_frame_does_not_step_over_the_guard) {
  if (sanitized)
    GTEST_SKIP() << "the sanitizer reports it in its own words";
  in_fresh_processes();
  EXPECT_EXIT(
      {
        spawn(SpawnOptions{.name = "large-frame"}, [] {
          volatile char block[300 * 1024];
          block[0] = 1;
          return block[0];
        }).join();
      },
      ::testing::KilledBySignal(SIGABRT), "large-frame");
}

TEST_F(StackTest, another_bad_address_is_no_overflow) {
  if (sanitized)
    GTEST_SKIP() << "the sanitizer reports it in its own words";
  in_fresh_processes();
  EXPECT_EXIT(
      {
        spawn(SpawnOptions{.name = "bad-address"}, [] {
          volatile int* volatile nowhere = nullptr;
          *nowhere = 1;
        }).join();
      },
      ::testing::KilledBySignal(SIGSEGV), "");
}

// pitfall 32
TEST_F(StackTest, a_signal_handler_can_run_on_the_alternate_stack) {
  static std::uintptr_t handler_place;
  struct sigaction action {};
  action.sa_handler = [](int) {
    char here = 0;
    handler_place = reinterpret_cast<std::uintptr_t>(&here);
  };
  action.sa_flags = SA_ONSTACK;
  struct sigaction before {};
  sigaction(SIGUSR1, &action, &before);
  auto g = spawn([] {
    std::raise(SIGUSR1);
    const auto* stack = detail::this_hub->context;
    const auto bottom = reinterpret_cast<std::uintptr_t>(stack->limit);
    return handler_place < bottom || handler_place > bottom + stack->size;
  });
  EXPECT_TRUE(g.get()) << "the handler ran on the greenlet's stack";
  sigaction(SIGUSR1, &before, nullptr);
}

// -- no memory -----------------------------------------------------------------------------------

// pitfall 23
// reliability 3
TEST_F(StackTest, a_stack_too_large_to_be_had_is_a_typed_error) {
  ErrorLog errors;
  bool ran = false;
  std::exception_ptr error;
  try {
    auto g = spawn(SpawnOptions{.name = "giant", .stack_size = std::size_t{1} << 50},
                   [&] { ran = true; });
    g.join();
    error = g.exception();
  } catch (...) {
    error = std::current_exception();
  }
  EXPECT_FALSE(ran);
  ASSERT_NE(error, nullptr);
  try {
    std::rethrow_exception(error);
  } catch (const std::system_error& e) {
    EXPECT_NE(std::string(e.what()).find("stack"), std::string::npos) << e.what();
  } catch (const std::bad_alloc&) {
  } catch (...) {
    ADD_FAILURE() << "neither std::system_error nor std::bad_alloc";
  }
  EXPECT_EQ(spawn([] { return 1; }).get(), 1);
}

// pitfall 23
// reliability 3
TEST_F(StackTest, a_hub_survives_when_the_address_space_is_used_up) {
  if (sanitized)
    GTEST_SKIP() << "a sanitizer needs the address space itself";
  in_fresh_processes();
  const auto body = [] {
    Hub::current();
    rlimit limit{};
    limit.rlim_cur = limit.rlim_max = std::size_t{1} << 30;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
      std::exit(2);
    std::size_t refused = 0;
    Hub::current().on_error([&](const UnhandledError& e) {
      try {
        std::rethrow_exception(e.error);
      } catch (const std::system_error&) {
        ++refused;
      } catch (const std::bad_alloc&) {
        ++refused;
      }
    });
    Event go_on;
    std::size_t began = 0;
    std::vector<GreenletRef<>> all;
    for (int i = 0; i < 20000; ++i) {
      try {
        all.push_back(spawn([&] {
          ++began;
          go_on.wait();
        }));
        if (i % 100 == 0)
          yield();
      } catch (const std::system_error&) {
        ++refused;
      } catch (const std::bad_alloc&) {
        ++refused;
      }
      if (refused > 10)
        break;
    }
    if (refused == 0)
      std::exit(3);
    go_on.set();
    for (const auto& g : all)
      g.join();
    const bool alive = spawn([] {
                         yield();
                         return 1;
                       }).get() == 1;
    std::exit(alive && began > 1000 ? 0 : 4);
  };
  EXPECT_EXIT(body(), ::testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace grove::test
