// SPDX-License-Identifier: MIT
// Main: ordered shutdown, signals and exit codes, each in a process of its own.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

#include <unistd.h>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/greenlet_local.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/main.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"
#include "../support/program_test.hpp"

namespace grove::test {
namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

class MainTest : public ProgramTest {
protected:
  static void say(const char* text) {
    std::fputs(text, stderr);
    std::fputc('\n', stderr);
  }
};

// -- exit codes ----------------------------------------------------------------------------------

TEST_F(MainTest, the_exit_code_is_what_the_function_returns) {
  EXPECT_EXIT(run([] { return 7; }), ExitedWithCode(7), "");
}

TEST_F(MainTest, a_function_that_returns_nothing_exits_with_zero) {
  EXPECT_EXIT(run([] { yield(); }), ExitedWithCode(0), "");
}

TEST_F(MainTest, the_function_is_given_the_arguments) {
  EXPECT_EXIT(
      run([](int argc, char** argv) { return std::string(argv[0]) == "program" ? argc : 9; }),
      ExitedWithCode(1), "");
}

TEST_F(MainTest, an_exception_exits_with_one_and_its_text) {
  EXPECT_EXIT(run([] { throw std::runtime_error("the file is missing"); }), ExitedWithCode(1),
              "the file is missing");
}

TEST_F(MainTest, an_exception_of_any_type_exits_with_one) {
  EXPECT_EXIT(run([] { throw 42; }), ExitedWithCode(1), "int");
}

TEST_F(MainTest, a_deadlock_exits_with_one_and_the_list) {
  EXPECT_EXIT(run([] {
                Event never;
                auto g = spawn(SpawnOptions{.name = "stuck-one"}, [&] { never.wait(); });
                g.join();
              }),
              ExitedWithCode(1), "stuck-one");
}

// -- shutdown ------------------------------------------------------------------------------------

TEST_F(MainTest, at_the_end_what_is_parked_is_unwound_and_may_wait_meanwhile) {
  EXPECT_EXIT(run([] {
                spawn([] {
                  AtExit unwound([] {
                    yield();
                    sleep(1ms);
                    say("unwound");
                  });
                  sleep(Deadline());
                });
                yield();
                return 3;
              }),
              ExitedWithCode(3), "unwound");
}

TEST_F(MainTest, at_the_end_what_never_began_never_runs) {
  EXPECT_EXIT(run([] {
                spawn([] { std::_Exit(9); });
                spawn_later(10s, [] { std::_Exit(9); });
                return 0;
              }),
              ExitedWithCode(0), "");
}

TEST_F(MainTest, after_an_exception_everything_is_unwound_too) {
  EXPECT_EXIT(run([] {
                spawn([] {
                  AtExit unwound([] { say("unwound"); });
                  sleep(Deadline());
                });
                yield();
                throw std::runtime_error("failed");
              }),
              ExitedWithCode(1), "failed(.|\n)*unwound|unwound(.|\n)*failed");
}

TEST_F(MainTest, greenlets_spawned_during_the_shutdown_end_too) {
  EXPECT_EXIT(run([] {
                spawn([] {
                  AtExit unwound([] {
                    spawn([] {
                      AtExit child([] { say("child unwound"); });
                      sleep(Deadline());
                    });
                    yield();
                  });
                  sleep(Deadline());
                });
                yield();
                return 0;
              }),
              ExitedWithCode(0), "child unwound");
}

TEST_F(MainTest, one_that_declines_its_kill_is_killed_again) {
  EXPECT_EXIT(run([] {
                spawn([] {
                  try {
                    sleep(Deadline());
                  } catch (const GreenletExit&) {
                    say("declined");
                  }
                  AtExit unwound([] { say("unwound"); });
                  sleep(Deadline());
                });
                yield();
                return 0;
              }),
              ExitedWithCode(0), "declined\nunwound");
}

TEST_F(MainTest, destructors_of_its_locals_may_wait) {
  struct Waits {
    bool on = true;
    Waits() = default;
    Waits(Waits&& other) noexcept : on(std::exchange(other.on, false)) {}
    ~Waits() {
      if (!on)
        return;
      sleep(1ms);
      say("destroyed");
    }
  };
  EXPECT_EXIT(run([] {
                static const GreenletLocal<Waits> local;
                (void)local.get();
                return 3;
              }),
              ExitedWithCode(3), "destroyed");
}

TEST_F(MainTest, a_timeout_scope_around_it_may_run_out_meanwhile) {
  EXPECT_EXIT(
      {
        {
          const Timeout around(1ms);
          {
            const Main scope;
            spawn([] {
              AtExit unwound([] { sleep(5ms); });
              sleep(Deadline());
            });
            yield();
          }
          const Timeout of_the_next_hub(10s);
          sleep(1ms);
          say("goes on");
        }
        std::exit(0);
      },
      ExitedWithCode(0), "goes on");
}

TEST_F(MainTest, hubs_of_other_threads_end_before_it) {
  EXPECT_EXIT(run([] {
                HubThread other;
                other.call([] {
                  spawn([] {
                    AtExit unwound([] { say("unwound elsewhere"); });
                    sleep(Deadline());
                  });
                  yield();
                });
                return 0;
              }),
              ExitedWithCode(0), "unwound elsewhere");
}

TEST_F(MainTest, the_object_alone_unwinds_at_the_end_of_its_scope) {
  EXPECT_EXIT(
      {
        {
          Main scope;
          spawn([] {
            AtExit unwound([] { say("unwound"); });
            sleep(Deadline());
          });
          yield();
        }
        say("after");
        std::exit(0);
      },
      ExitedWithCode(0), "unwound\nafter");
}

// Plain main(): what is parked when it returns is abandoned, and leak checkers stay quiet.
TEST_F(MainTest, without_it_what_is_parked_is_abandoned) {
  EXPECT_EXIT(
      {
        spawn([] {
          AtExit unwound([] { std::_Exit(9); });
          const std::string held(1000, 'x');
          sleep(Deadline());
        });
        yield();
        std::exit(0);
      },
      ExitedWithCode(0), "");
}

// -- signals -------------------------------------------------------------------------------------

// pitfall 33
TEST_F(MainTest, a_signal_that_nobody_catches_exits_with_128_and_its_number) {
  EXPECT_EXIT(run([] {
                std::raise(SIGINT);
                sleep(Deadline());
              }),
              ExitedWithCode(128 + SIGINT), "");
  EXPECT_EXIT(run([] {
                std::raise(SIGTERM);
                sleep(10s);
              }),
              ExitedWithCode(128 + SIGTERM), "");
}

// gevent H6
// pitfall 33
TEST_F(MainTest, main_can_catch_a_signal_while_it_waits_for_a_greenlet_and_exit_with_zero) {
  EXPECT_EXIT(run([] {
                auto g = spawn([] { sleep(Deadline()); });
                spawn([] { kill(getpid(), SIGINT); });
                try {
                  g.get();
                } catch (const Interrupted& interrupted) {
                  say(interrupted.signal == SIGINT ? "caught" : "wrong signal");
                  return 0;
                }
                return 9;
              }),
              ExitedWithCode(0), "caught");
}

TEST_F(MainTest, a_signal_interrupts_main_and_no_other_greenlet) {
  EXPECT_EXIT(run([] {
                auto g = spawn([] {
                  sleep(3ms);
                  return 5;
                });
                spawn([] { kill(getpid(), SIGTERM); });
                try {
                  sleep(10s);
                } catch (const Interrupted&) {
                }
                return g.get();
              }),
              ExitedWithCode(5), "");
}

TEST_F(MainTest, a_signal_wakes_a_hub_that_sleeps) {
  EXPECT_EXIT(run([] {
                std::signal(SIGALRM, [](int) { kill(getpid(), SIGTERM); });
                ualarm(20000, 0);
                sleep(10s);
              }),
              ExitedWithCode(128 + SIGTERM), "");
}

TEST_F(MainTest, a_signal_unwinds_everything) {
  EXPECT_EXIT(run([] {
                spawn([] {
                  AtExit unwound([] { say("unwound"); });
                  sleep(Deadline());
                });
                yield();
                std::raise(SIGINT);
                sleep(Deadline());
              }),
              ExitedWithCode(128 + SIGINT), "unwound");
}

TEST_F(MainTest, a_second_signal_ends_the_process_at_once) {
  EXPECT_EXIT(run([] {
                std::raise(SIGINT);
                std::raise(SIGINT);
                sleep(Deadline());
              }),
              KilledBySignal(SIGINT), "");
}

TEST_F(MainTest, a_first_signal_during_the_shutdown_is_ignored) {
  EXPECT_EXIT(run([] {
                spawn([] {
                  AtExit unwound([] {
                    std::raise(SIGTERM);
                    sleep(2ms);
                    say("unwound");
                  });
                  sleep(Deadline());
                });
                yield();
                return 3;
              }),
              ExitedWithCode(3), "unwound");
}

TEST_F(MainTest, a_second_signal_ends_the_process_during_the_shutdown_too) {
  EXPECT_EXIT(run([] {
                spawn([] {
                  AtExit unwound([] {
                    std::raise(SIGTERM);
                    say("unwound");
                  });
                  sleep(Deadline());
                });
                yield();
                std::raise(SIGINT);
                sleep(Deadline());
              }),
              KilledBySignal(SIGTERM), "");
  EXPECT_EXIT(run([] {
                spawn([] {
                  AtExit unwound([] {
                    std::raise(SIGTERM);
                    sleep(2ms);
                    std::raise(SIGTERM);
                  });
                  sleep(Deadline());
                });
                yield();
                return 3;
              }),
              KilledBySignal(SIGTERM), "");
}

TEST_F(MainTest, interrupted_is_no_std_exception) {
  EXPECT_EXIT(run([] {
                std::raise(SIGINT);
                try {
                  sleep(Deadline());
                } catch (const std::exception&) {
                  return 9;
                }
                return 8;
              }),
              ExitedWithCode(128 + SIGINT), "");
}

// gevent N4
TEST_F(MainTest, after_it_the_signals_do_what_they_did_before) {
  EXPECT_EXIT(
      {
        { Main scope; }
        std::raise(SIGTERM);
        std::exit(9);
      },
      KilledBySignal(SIGTERM), "");
}

TEST_F(MainTest, a_signal_that_comes_while_main_is_shielded_is_held_back) {
  EXPECT_EXIT(run([] {
                {
                  Shield shield;
                  std::raise(SIGTERM);
                  sleep(2ms);
                  say("shielded");
                }
                yield();
                return 9;
              }),
              ExitedWithCode(128 + SIGTERM), "shielded");
}

} // namespace
} // namespace grove::test
