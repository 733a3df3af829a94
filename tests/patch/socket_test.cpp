// SPDX-License-Identifier: MIT
// connect, accept, recv, send and their kin on blocking sockets.
#include "sockets.hpp"

#include <fcntl.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <array>
#include <cstring>
#include <functional>
#include <vector>

#include <grove/hub/hub_thread.hpp>

namespace grove::test {
namespace {

class PatchSocketTest : public HubTest {};

TEST_F(PatchSocketTest, who_receives_lets_others_run_until_something_comes) {
  const Sockets pair;
  const auto before = patch::count("recv");
  auto reader = waiting_call([&] { return take(pair.a); });
  EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  EXPECT_EQ(reader.get(), (Returned{1, 0}));
  EXPECT_GT(patch::count("recv").made, before.made);
  EXPECT_EQ(patch::count("recv").waited, before.waited + 1);
}

TEST_F(PatchSocketTest, every_way_to_receive_waits) {
  const Sockets pair;
  char a = 0;
  char b = 0;
  std::array<iovec, 2> parts{iovec{&a, 1}, iovec{&b, 1}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  mmsghdr several{message, 0};
  const std::vector<std::function<long()>> ways = {
      [&] { return read(pair.a, &a, 1); },
      [&] { return readv(pair.a, parts.data(), 2); },
      [&] { return recv(pair.a, &a, 1, 0); },
      [&] { return recvfrom(pair.a, &a, 1, 0, nullptr, nullptr); },
      [&] { return recvmsg(pair.a, &message, 0); },
      [&] { return recvmmsg(pair.a, &several, 1, 0, nullptr); },
  };
  for (const auto& way : ways) {
    auto reader = waiting_call(way);
    ASSERT_EQ(send(pair.b, "x", 1, 0), 1);
    EXPECT_EQ(reader.get(), (Returned{1, 0}));
  }
}

TEST_F(PatchSocketTest, every_way_to_send_takes_all_of_the_data) {
  const std::string data(1'000'000, 'x');
  const std::array<iovec, 3> parts{iovec{const_cast<char*>(data.data()), 10}, iovec{nullptr, 0},
                                   iovec{const_cast<char*>(data.data()) + 10, data.size() - 10}};
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  mmsghdr several{message, 0};
  const std::vector<std::function<long(int)>> ways = {
      [&](int fd) { return write(fd, data.data(), data.size()); },
      [&](int fd) { return writev(fd, parts.data(), 3); },
      [&](int fd) { return send(fd, data.data(), data.size(), 0); },
      [&](int fd) { return sendto(fd, data.data(), data.size(), 0, nullptr, 0); },
      [&](int fd) { return sendmsg(fd, &message, 0); },
      [&](int fd) {
        const int n = sendmmsg(fd, &several, 1, 0);
        return n == 1 ? static_cast<long>(several.msg_len) : -1L;
      },
  };
  for (const auto& way : ways) {
    Sockets pair;
    auto writer = waiting_call([&] { return way(pair.a); });
    std::string got(data.size(), ' ');
    ASSERT_EQ(recv(pair.b, got.data(), got.size(), MSG_WAITALL), static_cast<long>(data.size()));
    EXPECT_EQ(got, data);
    EXPECT_EQ(writer.get(), (Returned{static_cast<long>(data.size()), 0}));
  }
}

// pitfall 73
TEST_F(PatchSocketTest, who_has_asked_for_o_nonblock_gets_eagain) {
  const Sockets pair;
  const int flags = fcntl(pair.a, F_GETFL);
  fcntl(pair.a, F_SETFL, flags | O_NONBLOCK);
  EXPECT_EQ(take(pair.a), -1);
  EXPECT_EQ(errno, EAGAIN);
  fcntl(pair.a, F_SETFL, flags);
  char byte = 0;
  EXPECT_EQ(recv(pair.a, &byte, 1, MSG_DONTWAIT), -1);
  EXPECT_EQ(errno, EAGAIN);
}

// pitfall 73
TEST_F(PatchSocketTest, no_flag_is_changed) {
  Listener listener;
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(client, listener.where(), sizeof listener.address), 0);
  const int server = accept(listener.fd, nullptr, nullptr);
  auto reader = waiting_call([&] { return take(client); });
  for (const int fd : {client, server, listener.fd})
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(send(server, "x", 1, 0), 1);
  EXPECT_EQ(reader.get().value, 1);
  close(client);
  close(server);
}

// pitfall 74
TEST_F(PatchSocketTest, a_duplicate_has_the_flags_of_its_original) {
  const Sockets pair;
  const int copy = dup(pair.a);
  auto reader = waiting_call([&] { return take(copy); });
  EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  EXPECT_EQ(reader.get().value, 1);
  fcntl(pair.a, F_SETFL, O_RDWR | O_NONBLOCK);
  EXPECT_EQ(take(copy), -1);
  EXPECT_EQ(errno, EAGAIN);
  close(copy);
}

// pitfall 75
TEST_F(PatchSocketTest, the_sockets_own_time_limits_hold_and_zero_is_none) {
  const Sockets pair;
  const auto limit = [&](int option, timeval time) {
    ASSERT_EQ(setsockopt(pair.a, SOL_SOCKET, option, &time, sizeof time), 0);
  };
  limit(SO_RCVTIMEO, {0, 2'000});
  limit(SO_SNDTIMEO, {0, 2'000});
  EXPECT_EQ(take(pair.a), -1);
  EXPECT_EQ(errno, EAGAIN);
  const std::string data(10'000'000, 'x');
  const long sent = send(pair.a, data.data(), data.size(), 0);
  EXPECT_GT(sent, 0) << "what was taken counts";
  EXPECT_LT(sent, static_cast<long>(data.size()));
  EXPECT_EQ(send(pair.a, data.data(), data.size(), 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  limit(SO_RCVTIMEO, {0, 0});
  auto reader = waiting_call([&] { return take(pair.a); });
  grove::sleep(10ms);
  EXPECT_FALSE(reader.ready());
  EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  EXPECT_EQ(reader.get().value, 1);
}

TEST_F(PatchSocketTest, waitall_waits_for_all_and_peek_for_something) {
  const Sockets pair;
  std::string got(3, ' ');
  auto reader = waiting_call([&] { return recv(pair.a, got.data(), 3, MSG_WAITALL); });
  for (const char* part : {"a", "b", "c"}) {
    EXPECT_FALSE(reader.ready());
    EXPECT_EQ(send(pair.b, part, 1, 0), 1);
    settle();
  }
  EXPECT_EQ(reader.get().value, 3);
  EXPECT_EQ(got, "abc");
  auto peeker = waiting_call([&] { return recv(pair.a, got.data(), 3, MSG_PEEK); });
  EXPECT_EQ(send(pair.b, "de", 2, 0), 2);
  EXPECT_EQ(peeker.get().value, 2);
  EXPECT_EQ(recv(pair.a, got.data(), 3, 0), 2);
  EXPECT_EQ(got, "dec");
  const Sockets messages(SOCK_DGRAM);
  EXPECT_EQ(send(messages.b, "fg", 2, 0), 2);
  EXPECT_EQ(recv(messages.a, got.data(), 3, MSG_WAITALL), 2);
}

TEST_F(PatchSocketTest, a_descriptor_goes_along_with_a_message) {
  const Sockets pair;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto reader = waiting_call([&] { return recvmsg(pair.a, &message, MSG_WAITALL); });

  alignas(cmsghdr) char sent[CMSG_SPACE(sizeof(int))] = {};
  msghdr outgoing = message;
  outgoing.msg_control = sent;
  cmsghdr* header = CMSG_FIRSTHDR(&outgoing);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &pair.a, sizeof pair.a);
  EXPECT_EQ(sendmsg(pair.b, &outgoing, 0), 1);
  EXPECT_EQ(reader.get().value, 1);
  int copy = -1;
  std::memcpy(&copy, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof copy);
  EXPECT_GE(fcntl(copy, F_GETFD), 0);
  close(copy);
}

// -- connecting -----------------------------------------------------------------------------------

TEST_F(PatchSocketTest, accept_waits_for_a_connection) {
  Listener listener;
  for (const bool four : {false, true}) {
    auto server = waiting_call([&] {
      return four ? accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC)
                  : accept(listener.fd, nullptr, nullptr);
    });
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(client, listener.where(), sizeof listener.address), 0);
    const Returned accepted = server.get();
    EXPECT_GE(accepted.value, 0);
    EXPECT_EQ(accepted.error, 0);
    close(static_cast<int>(accepted.value));
    close(client);
  }
  fcntl(listener.fd, F_SETFL, O_RDWR | O_NONBLOCK);
  EXPECT_EQ(accept(listener.fd, nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(PatchSocketTest, several_may_accept_at_one_listener) {
  Listener listener;
  std::vector<GreenletRef<Returned>> servers;
  for (int i = 0; i < 4; ++i)
    servers.push_back(waiting_call([&] { return accept(listener.fd, nullptr, nullptr); }));
  std::vector<int> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(clients.back(), listener.where(), sizeof listener.address), 0);
  }
  for (auto& server : servers) {
    const int fd = static_cast<int>(server.get().value);
    EXPECT_GE(fd, 0);
    close(fd);
  }
  for (const int fd : clients)
    close(fd);
}

// pitfall 50
TEST_F(PatchSocketTest, hubs_that_share_a_listener_never_block_at_it) {
  Listener listener;
  constexpr int each = 50;
  HubThread other;
  const auto serve = [&] {
    for (int i = 0; i < each; ++i)
      close(accept(listener.fd, nullptr, nullptr));
  };
  auto here = spawn(serve);
  auto there = spawn([&] { other.call(serve); });
  for (int i = 0; i < 2 * each; ++i) {
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(connect(client, listener.where(), sizeof listener.address), 0);
    char byte = 0;
    EXPECT_EQ(recv(client, &byte, 1, 0), 0);
    close(client);
  }
  here.get(60s);
  there.get(60s);
}

// pitfall 52
TEST_F(PatchSocketTest, a_connection_that_is_refused_says_so) {
  sockaddr_in address{};
  {
    const Listener listener;
    address = listener.address;
  }
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
  EXPECT_EQ(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
  close(client);
}

TEST_F(PatchSocketTest, connect_waits_for_a_unix_listener_that_has_no_room) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const socklen_t automatic = sizeof(sa_family_t);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), automatic), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  const auto dial = [&] {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 ? fd : -1;
  };
  const int first = dial();
  ASSERT_GE(first, 0);
  auto second = waiting_call(dial);
  close(accept(listener, nullptr, nullptr));
  const Returned connected = second.get(60s);
  EXPECT_GE(connected.value, 0);
  close(static_cast<int>(connected.value));
  close(first);
  close(listener);
}

} // namespace
} // namespace grove::test
