// SPDX-License-Identifier: MIT
// Messages without end between greenlets, which wait in every way there is at random, and a plain
// thread that uses libzmq's blocking calls: nothing stalls, and no guard timer helps.
#include <gtest/gtest.h>
#include <zmq.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using Number = std::uint32_t;
using Random = std::minstd_rand;

constexpr auto stall = 1min; // what takes longer has stalled

// A variable of the environment, or another number.
long number_of_environment(const char* name, long otherwise) {
  const char* const text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets any
  return text == nullptr ? otherwise : std::stol(text);
}

// -- our side ---------------------------------------------------------------------------------

void arrived_in_time(std::size_t index) { ASSERT_EQ(index, 0U) << "stalled"; }

Multipart receive_somehow(Socket& socket, Random& random) {
  for (;;) {
    switch (random() % 6) {
    case 0:
      yield();
      break;
    case 1:
      if (auto parts = socket.try_recv_multipart())
        return std::move(*parts);
      break;
    case 2: {
      auto got = wait_any(socket.recv_multipart_op(), after(stall));
      arrived_in_time(got.index());
      return std::move(std::get<0>(got));
    }
    case 3: // perhaps another greenlet is faster
      arrived_in_time(wait_any(socket.wait_op(), after(stall)).index());
      if (auto parts = socket.try_recv_multipart())
        return std::move(*parts);
      break;
    case 4: {
      auto got = wait_any(socket.recv_multipart_op(), after(10us)); // perhaps too early
      if (got.index() == 0)
        return std::move(std::get<0>(got));
      break;
    }
    default:
      return socket.recv_multipart(stall);
    }
  }
}

void send_somehow(Socket& socket, Multipart&& parts, Random& random) {
  for (;;) {
    switch (random() % 6) {
    case 0:
      yield();
      break;
    case 1:
      if (socket.try_send_multipart(std::move(parts)))
        return;
      break;
    case 2:
      arrived_in_time(wait_any(socket.send_multipart_op(std::move(parts)), after(stall)).index());
      return;
    case 3:
      arrived_in_time(wait_any(socket.writable_op(), after(stall)).index());
      if (socket.try_send_multipart(std::move(parts)))
        return;
      break;
    case 4: {
      // NOLINTNEXTLINE(bugprone-use-after-move): what was refused is kept
      auto op = socket.send_multipart_op(std::move(parts));
      if (wait_any(op, after(10us)).index() == 0)
        return;
      parts = std::move(op.parts());
      break;
    }
    default:
      socket.send_multipart(std::move(parts), stall);
      return;
    }
  }
}

Multipart of_number(Number number) {
  return multipart(std::string_view(reinterpret_cast<const char*>(&number), sizeof number));
}
Number number_in(const Message& message) {
  Number number = 0;
  EXPECT_EQ(message.size(), sizeof number);
  std::memcpy(&number, message.bytes().data(), std::min(sizeof number, message.size()));
  return number;
}

void source(Socket& socket, Number count, Random random) {
  for (Number i = 0; i < count; ++i)
    send_somehow(socket, of_number(i), random);
}
void sink(Socket& socket, Number count, Random random) {
  for (Number i = 0; i < count; ++i)
    ASSERT_EQ(number_in(receive_somehow(socket, random).back()), i);
}
void ask(Socket& socket, Number count, Random random) {
  for (Number i = 0; i < count; ++i) {
    send_somehow(socket, of_number(i), random);
    ASSERT_EQ(number_in(receive_somehow(socket, random).back()), i);
  }
}
void echo(Socket& socket, Number count, Random random) {
  for (Number i = 0; i < count; ++i)
    send_somehow(socket, receive_somehow(socket, random), random);
}

// -- the plain thread's side ------------------------------------------------------------------

void foreign_source(void* socket, Number count) {
  for (Number i = 0; i < count; ++i)
    ASSERT_EQ(zmq_send(socket, &i, sizeof i, 0), static_cast<int>(sizeof i));
}
void foreign_sink(void* socket, Number count) {
  for (Number i = 0; i < count; ++i) {
    Number number = 0;
    ASSERT_EQ(zmq_recv(socket, &number, sizeof number, 0), static_cast<int>(sizeof number));
    ASSERT_EQ(number, i);
  }
}
// So many questions under way at once; answers in any order, each once.
void foreign_ask(void* socket, Number count, Number at_once) {
  std::vector<bool> answered(count, false);
  for (Number next = 0; next < count;) {
    Number under_way = 0;
    for (; under_way < at_once && next < count; ++under_way, ++next)
      ASSERT_EQ(zmq_send(socket, &next, sizeof next, 0), static_cast<int>(sizeof next));
    for (; under_way > 0; --under_way) {
      Number number = count;
      ASSERT_EQ(zmq_recv(socket, &number, sizeof number, 0), static_cast<int>(sizeof number));
      ASSERT_FALSE(answered.at(number));
      answered[number] = true;
    }
  }
}
void foreign_echo(void* socket, Number count) {
  for (Number i = 0; i < count;) {
    zmq_msg_t part;
    zmq_msg_init(&part);
    ASSERT_GE(zmq_msg_recv(&part, socket, 0), 0);
    const bool more = zmq_msg_more(&part) != 0;
    ASSERT_GE(zmq_msg_send(&part, socket, more ? ZMQ_SNDMORE : 0), 0);
    i += !more;
  }
}

// -- who with whom ----------------------------------------------------------------------------

using Ours = void (*)(Socket&, Number, Random);
struct Meeting {
  const char* name;
  SocketType type;
  std::vector<Ours> ours; // a greenlet each
  int foreign_type;
  void (*foreign)(void*, Number);
  Number slower = 1; // so much fewer messages
  Number shared = 1; // greenlets among whom the messages are divided
};

const std::vector<Meeting> meetings{
    {"pull", SocketType::pull, {sink}, ZMQ_PUSH, foreign_source},
    {"push", SocketType::push, {source}, ZMQ_PULL, foreign_sink},
    {"pair", SocketType::pair, {source, sink}, ZMQ_PAIR, foreign_echo},
    {"dealer", SocketType::dealer, {source, sink}, ZMQ_ROUTER, foreign_echo},
    {"router",
     SocketType::router,
     {echo, echo, echo, echo},
     ZMQ_DEALER,
     [](void* socket, Number count) { foreign_ask(socket, count, 100); },
     1,
     4},
    {"rep",
     SocketType::rep,
     {echo},
     ZMQ_REQ,
     [](void* socket, Number count) { foreign_ask(socket, count, 1); },
     10},
    {"req", SocketType::req, {ask}, ZMQ_REP, foreign_echo, 10},
};

class ZmqStress : public test::HubTest,
                  public ::testing::WithParamInterface<std::tuple<const char*, std::size_t>> {};

// GROVE_ZMQ_STRESS_MESSAGES=10000000 in the environment makes it a long one (that many are divided
// among all of these tests), GROVE_ZMQ_STRESS_SEED another.
// pitfall 64, 65, 66
TEST_P(ZmqStress, waits_of_all_kinds_never_stall) {
  const auto& [endpoint, which] = GetParam();
  const Meeting& meeting = meetings.at(which);
  const long all =
      number_of_environment("GROVE_ZMQ_STRESS_MESSAGES", test::sanitized ? 56'000 : 700'000);
  const auto seed = static_cast<unsigned>(number_of_environment("GROVE_ZMQ_STRESS_SEED", 28'11));
  const auto each = static_cast<Number>(static_cast<std::size_t>(all) / (2 * meetings.size())) /
                    meeting.slower / meeting.shared;
  const Number count = each * meeting.shared;
  std::printf("%u messages, seed %u\n", count, seed);

  Context context;
  Socket ours(context, meeting.type);
  ours.set(option::sndhwm, 100);
  ours.set(option::rcvhwm, 100);
  const std::string bound = ours.bind(endpoint);
  std::thread foreign([&, native = context.native_handle()] {
    void* socket = zmq_socket(native, meeting.foreign_type);
    const int hwm = 100;
    zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    const int mandatory = 1; // else a ROUTER drops what we do not take fast enough
    if (meeting.foreign_type == ZMQ_ROUTER)
      zmq_setsockopt(socket, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory);
    EXPECT_EQ(zmq_connect(socket, bound.c_str()), 0);
    meeting.foreign(socket, count);
    zmq_close(socket);
  });
  std::vector<GreenletRef<>> greenlets;
  greenlets.reserve(meeting.ours.size());
  for (const Ours one : meeting.ours) {
    greenlets.push_back(
        spawn(one, std::ref(ours), each, Random(seed + static_cast<unsigned>(greenlets.size()))));
  }
  for (const auto& one : greenlets)
    one.get();
  foreign.join();
  const SocketStats stats = ours.stats();
  EXPECT_EQ(stats.glances, 0U);
  EXPECT_EQ(stats.sent, meeting.type == SocketType::pull ? 0 : count);
  EXPECT_EQ(stats.received, meeting.type == SocketType::push ? 0 : count);
}

INSTANTIATE_TEST_SUITE_P(zmq, ZmqStress,
                         ::testing::Combine(::testing::Values("inproc://here", "tcp://127.0.0.1:*"),
                                            ::testing::Range(std::size_t{0}, meetings.size())),
                         [](const auto& instance) {
                           return std::string(std::get<0>(instance.param)).substr(0, 3) + "_" +
                                  meetings.at(std::get<1>(instance.param)).name;
                         });

} // namespace
} // namespace grove::zmq
