// SPDX-License-Identifier: MIT
// The ways of a signal: hooks that watch and cancel on it, handlers of others above and below ours,
// hubs that end.
#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <utility>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/signal.hpp>

#include "../support/hub_test.hpp"
#include "../support/signals.hpp"

namespace grove::test {
namespace {

// -- hooks ---------------------------------------------------------------------------------------

class SignalHooks : public HubTest {};

TEST_F(SignalHooks, a_spawn_hook_may_cancel_the_watch_whose_greenlet_it_hears_of) {
  SignalWatch watch;
  SignalWatch other;
  bool heard = false;
  bool began = false;
  bool other_came = false;
  watch = on_signal(SIGUSR1, [&] { began = true; });
  {
    const SpawnHook hook([&](const GreenletRef<>& started) {
      heard = true;
      EXPECT_EQ(started.name(), "SIGUSR1");
      watch.cancel();
      other = on_signal(SIGUSR2, [&] { other_came = true; });
    });
    raise(SIGUSR1);
    until([&] { return heard; });
  }
  EXPECT_TRUE(is_default(SIGUSR1));
  raise(SIGUSR2);
  until([&] { return other_came; });
  EXPECT_FALSE(began);
}

TEST_F(SignalHooks, what_a_hook_cancels_in_a_round_is_not_called_in_it) {
  SignalWatch second;
  int started = 0;
  int calls = 0;
  const SignalWatch first = on_signal(SIGUSR1, [&] { ++calls; });
  second = on_signal(SIGUSR1, [&] { ADD_FAILURE() << "it was cancelled before"; });
  const SignalWatch third = on_signal(SIGUSR1, [&] { ++calls; });
  const SpawnHook hook([&](const GreenletRef<>&) {
    ++started;
    second.cancel();
  });
  raise(SIGUSR1);
  until([&] { return calls == 2; });
  EXPECT_EQ(started, 2);
}

TEST_F(SignalHooks, a_watch_may_be_cancelled_elsewhere_while_its_signal_comes) {
  for (int i = 0; i < (sanitized ? 50 : 300); ++i) {
    SignalWatch watch = on_signal(SIGUSR1, [] {});
    int calls = 0;
    const SignalWatch stays = on_signal(SIGUSR1, [&] { ++calls; });
    std::thread elsewhere([&watch] { watch.cancel(); });
    raise(SIGUSR1);
    until([&] { return calls == 1; });
    elsewhere.join();
  }
}

// -- others' handlers of SIGCHLD -----------------------------------------------------------------

std::atomic<int> first_calls{0};
void first_handler(int) { ++first_calls; }

// A library that passes on what it hears to whoever was there before; as many as one likes.
constexpr std::size_t libraries = 7;
std::array<std::atomic<int>, libraries> library_calls;
std::array<struct sigaction, libraries> replaced;

template <std::size_t N>
void library_handler(int signal, siginfo_t* info, void* context) {
  if (++library_calls[N] > 1000)
    std::_Exit(1); // round and round
  if ((replaced[N].sa_flags & SA_SIGINFO) != 0)
    replaced[N].sa_sigaction(signal, info, context);
  else if (replaced[N].sa_handler != SIG_DFL && replaced[N].sa_handler != SIG_IGN)
    replaced[N].sa_handler(signal);
}
template <std::size_t N>
void load_library() {
  struct sigaction action {};
  action.sa_sigaction = library_handler<N>;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGCHLD, &action, &replaced[N]), 0);
}

class SignalSharing : public HubTest {
protected:
  void SetUp() override {
    HubTest::SetUp();
    first_calls = 0;
    for (auto& calls : library_calls)
      calls = 0;
    std::signal(SIGCHLD, first_handler);
  }
  void TearDown() override {
    std::signal(SIGCHLD, SIG_DFL);
    HubTest::TearDown();
  }
  SignalWatch watch() {
    return on_signal(SIGCHLD, [this] { ++calls_; });
  }
  void raise_and_see() {
    const int before = calls_;
    raise(SIGCHLD);
    until([&] { return calls_ != before; });
    EXPECT_EQ(calls_, before + 1);
  }
  int calls_ = 0;
};

TEST_F(SignalSharing, one_that_replaced_the_handler_and_calls_it_is_not_called_in_a_circle) {
  {
    const SignalWatch first = watch();
    load_library<0>();
  }
  EXPECT_EQ(disposition_of(SIGCHLD).sa_sigaction, library_handler<0>) << "it stays";
  for (int i = 1; i <= 3; ++i) {
    const SignalWatch again = watch();
    raise_and_see();
    EXPECT_EQ(library_calls[0], i);
    EXPECT_EQ(first_calls, i);
  }
  EXPECT_EQ(disposition_of(SIGCHLD).sa_sigaction, library_handler<0>) << "it is put back";
  raise(SIGCHLD);
  EXPECT_EQ(library_calls[0], 4);
  EXPECT_EQ(first_calls, 4) << "the library still calls ours, and ours the first";
}

TEST_F(SignalSharing, one_that_replaced_the_handler_and_does_not_call_it_keeps_nothing_from_us) {
  {
    const SignalWatch first = watch();
    load_library<0>();
    replaced[0] = {};
  }
  const SignalWatch again = watch();
  raise_and_see();
  EXPECT_EQ(library_calls[0], 1);
  EXPECT_EQ(first_calls, 0) << "the library does not pass it on";
}

TEST_F(SignalSharing, one_that_goes_puts_back_ours_and_all_is_as_before) {
  {
    const SignalWatch first = watch();
    load_library<0>();
  }
  ASSERT_EQ(sigaction(SIGCHLD, &replaced[0], nullptr), 0);
  {
    const SignalWatch again = watch();
    raise_and_see();
    EXPECT_EQ(first_calls, 1);
    EXPECT_EQ(library_calls[0], 0);
  }
  EXPECT_EQ(disposition_of(SIGCHLD).sa_handler, first_handler);
}

TEST_F(SignalSharing, any_number_may_replace_it_one_after_the_other) {
  const auto pile = [&]<std::size_t... N>(std::index_sequence<N...>) {
    const auto one = [&](auto load) {
      const SignalWatch present = watch();
      load();
    };
    (one([] { load_library<N>(); }), ...);
  };
  pile(std::make_index_sequence<libraries>());
  const SignalWatch present = watch();
  raise_and_see();
  for (std::size_t i = 0; i < libraries; ++i)
    EXPECT_EQ(library_calls[i], 1) << i;
  EXPECT_EQ(first_calls, 1);
}

TEST_F(SignalSharing, when_somebody_takes_away_all_handlers_it_begins_anew) {
  {
    const SignalWatch first = watch();
    load_library<0>();
  }
  std::signal(SIGCHLD, SIG_DFL);
  {
    const SignalWatch again = watch();
    raise_and_see();
  }
  EXPECT_EQ(library_calls[0] + first_calls, 0);
  EXPECT_TRUE(is_default(SIGCHLD));
}

// -- hubs that end -------------------------------------------------------------------------------

class SignalsOfHubs : public HubTest {};

TEST_F(SignalsOfHubs, a_watch_that_outlives_its_hub_is_nothing_to_the_next_one) {
  SignalWatch left;
  std::uint16_t index = 0;
  {
    HubThread one;
    index = one.hub().index();
    left = one.call([] { return on_signal(SIGUSR1, [] { ADD_FAILURE() << "its hub is gone"; }); });
  }
  EXPECT_FALSE(is_default(SIGUSR1)) << "that is for its end";
  raise(SIGUSR1); // nobody hears of it
  HubThread two;
  ASSERT_EQ(two.hub().index(), index);
  for (int i = 0; i < 3; ++i) {
    std::atomic<bool> came{false};
    const SignalWatch own =
        two.call([&came] { return on_signal(SIGUSR1, [&came] { came = true; }); });
    raise(SIGUSR1);
    until([&] { return came.load(); });
  }
  EXPECT_TRUE(left.active());
  left.cancel();
  EXPECT_TRUE(is_default(SIGUSR1));
}

TEST_F(SignalsOfHubs, of_two_hubs_that_watch_the_one_that_ends_takes_nothing_from_the_other) {
  int calls = 0;
  const SignalWatch mine = on_signal(SIGUSR1, [&] { ++calls; });
  SignalWatch left;
  {
    HubThread other;
    left = other.call([] { return on_signal(SIGUSR1, [] {}); });
  }
  for (int i = 1; i <= 3; ++i) {
    raise(SIGUSR1);
    until([&] { return calls == i; });
  }
}

} // namespace
} // namespace grove::test
