// SPDX-License-Identifier: MIT
// Sockets against peers that are not grove: libzmq in a plain thread, and Python.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using test::settle;

class ForeignTest : public test::HubTest {
protected:
  Context context;
};

// A thread that sends and receives numbers in an order of its own, by libzmq's blocking calls,
// while greenlets do the same to the other end.
struct Exchange {
  const char* endpoint;
  int hwm;
};

class RandomInterleaving : public ForeignTest, public ::testing::WithParamInterface<Exchange> {};

void PrintTo(const Exchange& exchange, std::ostream* out) {
  *out << exchange.endpoint << " hwm " << exchange.hwm;
}
INSTANTIATE_TEST_SUITE_P(zmq, RandomInterleaving,
                         ::testing::Values(Exchange{"inproc://here", 1000},
                                           Exchange{"inproc://here", 3},
                                           Exchange{"tcp://127.0.0.1:*", 1000}),
                         [](const auto& exchange) {
                           return std::string(exchange.param.endpoint).substr(0, 3) + "_hwm_" +
                                  std::to_string(exchange.param.hwm);
                         });

// pitfall 64, 65, 66
TEST_P(RandomInterleaving, of_sends_and_receives_never_stalls) {
  constexpr std::uint32_t count = test::sanitized ? 20'000 : 120'000;
  Socket ours(context, SocketType::pair);
  ours.set(option::sndhwm, GetParam().hwm);
  ours.set(option::rcvhwm, GetParam().hwm);
  const std::string endpoint = ours.bind(GetParam().endpoint);

  std::thread foreign([&] {
    void* theirs = zmq_socket(context.native_handle(), ZMQ_PAIR);
    zmq_setsockopt(theirs, ZMQ_SNDHWM, &GetParam().hwm, sizeof(int));
    zmq_setsockopt(theirs, ZMQ_RCVHWM, &GetParam().hwm, sizeof(int));
    ASSERT_EQ(zmq_connect(theirs, endpoint.c_str()), 0);
    std::minstd_rand random(1); // NOLINT: the same every time
    std::uint32_t sent = 0, received = 0;
    while (sent < count || received < count) {
      // Never both full at once: when we may not send, we receive.
      const bool sends = received == count || (sent < count && random() % 2 == 0);
      if (sends && zmq_send(theirs, &sent, sizeof sent, ZMQ_DONTWAIT) == sizeof sent) {
        ++sent;
        continue;
      }
      int events = 0; // without this a refused zmq_send() looks again only after a millisecond
      std::size_t size = sizeof events;
      zmq_getsockopt(theirs, ZMQ_EVENTS, &events, &size);
      if (received == count) {
        std::this_thread::yield();
        continue;
      }
      std::uint32_t number = 0;
      const bool may_wait = !sends && random() % 8 == 0 && sent == count;
      if (zmq_recv(theirs, &number, sizeof number, may_wait ? 0 : ZMQ_DONTWAIT) >= 0) {
        ASSERT_EQ(number, received++);
      } else {
        std::this_thread::yield();
      }
    }
    zmq_close(theirs);
  });

  const auto receiver = spawn([&] {
    std::minstd_rand random(2); // NOLINT: the same every time
    for (std::uint32_t i = 0; i < count; ++i) {
      if (random() % 16 == 0)
        yield();
      const Message message = ours.recv();
      std::uint32_t number = 0;
      ASSERT_EQ(message.size(), sizeof number);
      std::memcpy(&number, message.bytes().data(), sizeof number);
      ASSERT_EQ(number, i);
    }
  });
  const auto sender = spawn([&] {
    std::minstd_rand random(3); // NOLINT: the same every time
    for (std::uint32_t i = 0; i < count; ++i) {
      if (random() % 16 == 0)
        yield();
      ours.send(std::string_view(reinterpret_cast<const char*>(&i), sizeof i));
    }
  });
  receiver.get();
  sender.get();
  foreign.join();
}

// pitfall 64
TEST_F(ForeignTest, a_plain_thread_asks_and_a_hundred_greenlets_answer) {
  constexpr int count = test::sanitized ? 2000 : 20'000;
  Socket router(context, SocketType::router);
  router.bind("inproc://here");
  std::thread foreign([&] {
    void* dealer = zmq_socket(context.native_handle(), ZMQ_DEALER);
    zmq_connect(dealer, "inproc://here");
    int under_way = 0;
    std::vector<int> answers(count, 0);
    for (int asked = 0, answered = 0; answered < count;) {
      if (asked < count && under_way < 500) {
        ASSERT_EQ(zmq_send(dealer, &asked, sizeof asked, 0), static_cast<int>(sizeof asked));
        ++asked;
        ++under_way;
        continue;
      }
      int number = -1;
      ASSERT_EQ(zmq_recv(dealer, &number, sizeof number, 0), static_cast<int>(sizeof number));
      ASSERT_EQ(++answers.at(static_cast<std::size_t>(number)), 1);
      ++answered;
      --under_way;
    }
    zmq_close(dealer);
  });
  int answered = 0;
  std::vector<GreenletRef<>> servers;
  servers.reserve(100);
  for (int i = 0; i < 100; ++i) {
    servers.push_back(spawn([&] {
      for (;;) {
        Multipart request = router.recv_multipart();
        if (answered % 7 == 0)
          yield();
        router.send_multipart(std::move(request));
        ++answered;
      }
    }));
  }
  const Hub::Attachment attachment = Hub::current().attach();
  AsyncResult<void> done;
  std::thread watcher([&] {
    foreign.join();
    done.set();
  });
  done.wait();
  watcher.join();
  kill_all(servers);
  EXPECT_EQ(answered, count);
}

TEST_F(ForeignTest, python_speaks_with_us) {
  if (std::system("/usr/bin/python3 -c 'import zmq' 2>/dev/null") != 0) { // NOLINT
    GTEST_SKIP() << "apt-get install python3-zmq";
  }
  Socket rep(context, SocketType::rep);
  const std::string endpoint = rep.bind("tcp://127.0.0.1:*");
  static const char script[] = R"(
import sys, zmq
socket = zmq.Context().socket(zmq.REQ)
socket.connect(sys.argv[1])
for i in range(200):
    socket.send_multipart([b'question', b'%d' % i, b'\0' * i])
    assert socket.recv_multipart() == [b'answer', b'%d' % i, b'\0' * i], i
socket.close()
)";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::execl("/usr/bin/python3", "python3", "-c", script, endpoint.c_str(), nullptr);
    ::_exit(127);
  }
  for (int i = 0; i < 200; ++i) {
    Multipart parts = rep.recv_multipart(std::chrono::seconds(30)); // or Python has failed
    ASSERT_EQ(parts.size(), 3U);
    ASSERT_EQ(parts[0].text(), "question");
    ASSERT_EQ(parts[1].text(), std::to_string(i));
    ASSERT_EQ(parts[2].size(), static_cast<std::size_t>(i));
    parts[0] = "answer";
    rep.send_multipart(std::move(parts));
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

} // namespace
} // namespace grove::zmq
