// SPDX-License-Identifier: MIT
// getaddrinfo and its elders, answered from /etc/hosts.
#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include <grove/hub/thread_pool.hpp>

#include "sockets.hpp"

namespace grove::test {
namespace {

class PatchNamesTest : public HubTest {
protected:
  // Whether others ran during the call, and it went to a thread.
  template <class F>
  static bool is_green(const char* call, F f) {
    const auto before = patch::count(call).waited;
    bool ran = false;
    auto other = spawn([&] { ran = true; });
    f();
    const bool did = ran && patch::count(call).waited == before + 1;
    other.join();
    return did;
  }
  static std::string text(const hostent* entry) {
    char text[INET_ADDRSTRLEN] = {};
    if (entry == nullptr || entry->h_addr_list[0] == nullptr)
      return "nothing";
    inet_ntop(AF_INET, entry->h_addr_list[0], text, sizeof text);
    return text;
  }
};

// pitfall 72
TEST_F(PatchNamesTest, getaddrinfo_runs_on_a_thread) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  EXPECT_TRUE(is_green("getaddrinfo",
                       [&] { EXPECT_EQ(getaddrinfo("localhost", "80", &hints, &found), 0); }));
  ASSERT_NE(found, nullptr);
  const auto* address = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  EXPECT_EQ(ntohl(address->sin_addr.s_addr), INADDR_LOOPBACK);
  EXPECT_EQ(ntohs(address->sin_port), 80);
  freeaddrinfo(found);
}

TEST_F(PatchNamesTest, an_address_needs_no_thread) {
  EXPECT_FALSE(is_green("getaddrinfo", [&] {
    addrinfo* found = nullptr;
    EXPECT_EQ(getaddrinfo("127.0.0.1", "80", nullptr, &found), 0);
    freeaddrinfo(found);
  }));
}

TEST_F(PatchNamesTest, getnameinfo_runs_on_a_thread) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(80);
  char host[NI_MAXHOST] = {};
  char service[NI_MAXSERV] = {};
  EXPECT_TRUE(is_green("getnameinfo", [&] {
    EXPECT_EQ(getnameinfo(reinterpret_cast<sockaddr*>(&address), sizeof address, host, sizeof host,
                          service, sizeof service, NI_NUMERICSERV),
              0);
  }));
  EXPECT_STREQ(host, "localhost");
  EXPECT_STREQ(service, "80");
}

TEST_F(PatchNamesTest, gethostbyname_and_its_kin_run_on_a_thread) {
  const in_addr loopback{htonl(INADDR_LOOPBACK)};
  EXPECT_TRUE(
      is_green("gethostbyname", [&] { EXPECT_EQ(text(gethostbyname("localhost")), "127.0.0.1"); }));
  EXPECT_TRUE(is_green("gethostbyname2", [&] {
    EXPECT_EQ(text(gethostbyname2("localhost", AF_INET)), "127.0.0.1");
  }));
  EXPECT_TRUE(is_green("gethostbyaddr", [&] {
    const hostent* entry = gethostbyaddr(&loopback, sizeof loopback, AF_INET);
    ASSERT_NE(entry, nullptr);
    EXPECT_STREQ(entry->h_name, "localhost");
  }));
}

TEST_F(PatchNamesTest, the_reentrant_ones_put_all_into_the_callers_memory) {
  std::vector<char> memory(2001);
  hostent entry{};
  hostent* found = nullptr;
  int error = 0;
  const auto inside = [&](const void* at) {
    const auto* place = static_cast<const char*>(at);
    return place >= memory.data() && place < memory.data() + memory.size();
  };
  EXPECT_TRUE(is_green("gethostbyname_r", [&] {
    EXPECT_EQ(
        gethostbyname_r("localhost", &entry, memory.data() + 1, memory.size() - 1, &found, &error),
        0);
  }));
  ASSERT_EQ(found, &entry);
  EXPECT_EQ(text(&entry), "127.0.0.1");
  EXPECT_STREQ(entry.h_name, "localhost");
  EXPECT_TRUE(inside(entry.h_name));
  EXPECT_TRUE(inside(entry.h_addr_list));
  EXPECT_TRUE(inside(entry.h_addr_list[0]));
  EXPECT_TRUE(inside(entry.h_aliases));
  EXPECT_EQ(gethostbyname_r("localhost", &entry, memory.data(), 4, &found, &error), ERANGE);
  EXPECT_EQ(found, nullptr);
}

// reliability 10
TEST_F(PatchNamesTest, a_kill_abandons_the_lookup) {
  int result = 0;
  int error = 0;
  auto looker = spawn([&] {
    addrinfo* found = nullptr;
    result = getaddrinfo("localhost", nullptr, nullptr, &found);
    error = errno;
    yield();
  });
  yield(); // until it waits for its thread
  looker.kill();
  EXPECT_TRUE(looker.killed());
  EXPECT_EQ(result, EAI_SYSTEM);
  EXPECT_EQ(error, ECANCELED);
  default_thread_pool().join(60s);
}

} // namespace
} // namespace grove::test
