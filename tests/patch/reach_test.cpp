// SPDX-License-Identifier: MIT
// Every call comes to the hooks, whoever makes it, and patch::all() knows when one does not.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <string>

#include "../support/program_test.hpp"
#include "fortify_probe.hpp"
#include "sockets.hpp"

namespace grove::test {
namespace {

class PatchReachTest : public HubTest {};

// pitfall 78
TEST_F(PatchReachTest, the_self_test_finds_nothing_amiss) {
  EXPECT_TRUE(patch::active());
  for (const std::string& fault : patch::faults())
    ADD_FAILURE() << fault;
}

TEST_F(PatchReachTest, the_self_test_has_made_every_plain_call) {
  patch::faults();
  for (const auto& count : patch::counts()) {
    if (count.call.starts_with("__") || count.call.starts_with("gethostbyaddr"))
      continue; // these have no call that would do nothing
    EXPECT_GT(count.made, 0U) << count.call;
  }
  EXPECT_THROW(patch::count("splice"), std::invalid_argument);
}

// pitfall 70
TEST_F(PatchReachTest, fortified_calls_wait_green) {
  const std::map<std::string, std::function<long(int)>> calls = {
      {"__read_chk", [](int fd) { return fortified_read(fd, 1); }},
      {"__recv_chk", [](int fd) { return fortified_recv(fd, 1); }},
      {"__recvfrom_chk", [](int fd) { return fortified_recvfrom(fd, 1); }},
      {"__poll_chk", [](int fd) { return fortified_poll(fd, 1, -1); }},
      {"__ppoll_chk", [](int fd) { return fortified_ppoll(fd, 1); }},
  };
  for (const auto& [name, call] : calls) {
    const Sockets pair;
    const auto before = patch::count(name).made;
    auto waiting = waiting_call([&call = call, &pair] { return call(pair.a); });
    EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
    EXPECT_EQ(waiting.get(), (Returned{1, 0})) << name;
    EXPECT_EQ(patch::count(name).made, before + 1) << name;
  }
}

using PatchReachDeathTest = ProgramTest;

// pitfall 70
TEST_F(PatchReachDeathTest, a_fortified_call_that_would_overflow_ends_the_process_as_ever) {
  EXPECT_DEATH(fortified_read(0, 9), "buffer overflow detected");
  EXPECT_DEATH(fortified_poll(0, 3, 0), "buffer overflow detected");
}

} // namespace
} // namespace grove::test
