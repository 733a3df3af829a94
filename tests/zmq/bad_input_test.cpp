// SPDX-License-Identifier: MIT
// What bad peers send: it is dropped, they are cut off, and good peers go on undisturbed.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <system_error>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;

constexpr auto long_wait = 1min; // against a hang

// Python's first lines: what speaks ZMTP by hand, up to where messages begin.
const char* const by_hand = R"(
import os, signal, socket, sys
host, port = sys.argv[1][len('tcp://'):].split(':')
def meet(kind):
    peer = socket.create_connection((host, int(port)))
    peer.sendall(b'\xff' + bytes(8) + b'\x7f' + b'\x03\x00' + b'NULL'.ljust(20, b'\0') + bytes(32))
    body = b'\x05READY' + b'\x0bSocket-Type' + len(kind).to_bytes(4, 'big') + kind
    peer.sendall(b'\x04' + bytes([len(body)]) + body)
    got = b''
    while len(got) < 64 + 2 or len(got) < 64 + 2 + got[65]:
        more = peer.recv(4096)
        assert more, got
        got += more
    return peer
def cut_off(peer):
    peer.settimeout(60)
    try:
        while peer.recv(4096):
            pass
    except ConnectionResetError:
        pass
)";

class BadInput : public test::HubTest {
protected:
  Context context;
  Socket pull{context, SocketType::pull};
  std::string endpoint = pull.bind("tcp://127.0.0.1:*");
  Socket good{context, SocketType::push};
  int sent = 0, received = 0;

  void SetUp() override {
    HubTest::SetUp();
    good.connect(endpoint);
    the_good_go_on();
  }
  // Good messages arrive, and nothing else.
  void the_good_go_on() {
    for (int i = 0; i < 10; ++i)
      good.send(std::to_string(sent++));
    for (int i = 0; i < 10; ++i)
      ASSERT_EQ(pull.recv(long_wait).text(), std::to_string(received++));
  }
  std::string port() const { return endpoint.substr(endpoint.rfind(':') + 1); }
  // Runs it to its end, while good peers go on.
  void python(const std::string& script, ExitStatus expected = ExitStatus::of_code(0)) {
    Process peer({"/usr/bin/python3", "-c", by_hand + script, endpoint});
    the_good_go_on();
    EXPECT_EQ(peer.wait(long_wait), expected) << script;
    the_good_go_on();
  }
};

TEST_F(BadInput, garbage_on_the_port_is_dropped) {
  if (std::system("nc -h 2>/dev/null") != 0) // NOLINT
    GTEST_SKIP() << "apt-get install netcat-openbsd";
  std::string noise(100'000, '\0');
  for (std::size_t i = 0; i < noise.size(); ++i)
    noise[i] = static_cast<char>(i * i % 251);
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\nHost: here\r\n\r\n"), std::string("\0", 1), std::string(),
        std::string("\xff\0\0\0\0\0\0\0\1\x7f", 10), std::string("\1\0", 2), noise}) {
    run({"nc", "-N", "-w", "1", "127.0.0.1", port()}, {.out = Stdio::null(), .err = Stdio::null()},
        garbage, long_wait);
    the_good_go_on();
  }
}

TEST_F(BadInput, a_message_larger_than_the_limit_ends_its_connection) {
  python(R"(
peer = meet(b'PUSH')
peer.sendall(b'\x02' + (4 * 1024 * 1024 + 1).to_bytes(8, 'big') + bytes(100))
cut_off(peer)
)");
}

TEST_F(BadInput, a_length_beyond_all_bounds_ends_its_connection) {
  python(R"(
peer = meet(b'PUSH')
peer.sendall(b'\x02' + b'\xff' * 8 + bytes(100))
cut_off(peer)
)");
}

TEST_F(BadInput, a_part_larger_than_the_limit_takes_the_parts_before_it_along) {
  python(R"(
peer = meet(b'PUSH')
peer.sendall(b'\x01\x05hello' + b'\x02' + (1 << 40).to_bytes(8, 'big'))
cut_off(peer)
)");
}

TEST_F(BadInput, frames_that_make_no_sense_disturb_nobody) {
  python(R"(
peer = meet(b'PUSH')
peer.sendall(b'\xf8' * 100)
)");
}

TEST_F(BadInput, a_peer_that_is_killed_in_mid_message_leaves_nothing) {
  python(R"(
peer = meet(b'PUSH')
peer.sendall(b'\x01\x05hello' + b'\x00\x64' + b'half of it')
os.kill(os.getpid(), signal.SIGKILL)
)",
         ExitStatus::of_signal(SIGKILL));
}

// With libzmq's heartbeats on, this ends the process (docs/decisions/no-heartbeats.md).
TEST_F(BadInput, a_peer_that_floods_and_resets_is_gone_and_nothing_else) {
  Process peer({"/usr/bin/python3", "-c", by_hand + std::string(R"(
import struct
peer = meet(b'PUSH')
peer.setblocking(False)
try:
    while True:
        peer.send(b'\x00\x05flood' * 1000)
except BlockingIOError: # the receiver's input stands still
    pass
peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
peer.close()
)"),
                endpoint});
  EXPECT_EQ(peer.wait(long_wait), ExitStatus::of_code(0));
  sleep(2500ms); // longer than a heartbeat would take to meet the reset
  good.send("after it");
  while (pull.recv(long_wait).text() != "after it") {
  }
}

TEST_F(BadInput, a_socket_of_a_type_that_does_not_fit_is_cut_off) {
  python(R"(
try:
    cut_off(meet(b'REQ'))
except (AssertionError, ConnectionError): # before it has greeted us
    pass
)");
}

// By libzmq itself this time.
TEST_F(BadInput, what_pyzmq_sends_beyond_the_limit_is_not_received) {
  if (std::system("/usr/bin/python3 -c 'import zmq' 2>/dev/null") != 0) // NOLINT
    GTEST_SKIP() << "apt-get install python3-zmq";
  python(R"(
import zmq
peer = zmq.Context().socket(zmq.PUSH)
peer.linger = 0
monitor = peer.get_monitor_socket(zmq.EVENT_DISCONNECTED)
peer.connect(sys.argv[1])
peer.send(bytes(5 << 20))
assert monitor.poll(60000)
os._exit(0)
)");
}

TEST_F(BadInput, a_message_of_the_wrong_arity_is_dropped_and_counted) {
  good.send_multipart({"two", "parts"});
  EXPECT_THROW(static_cast<void>(pull.recv(long_wait)), std::system_error);
  EXPECT_EQ(pull.stats().dropped, 1U);
  the_good_go_on();
}

} // namespace
} // namespace grove::zmq
