// SPDX-License-Identifier: MIT
// ZeroMQ between greenlets: recv() parks the greenlet, and the other one runs.
#include <fmt/core.h>

#include <grove/hub.hpp>
#include <grove/zmq.hpp>

namespace {

namespace zmq = grove::zmq;

constexpr auto endpoint = "inproc://greetings"; // tcp://127.0.0.1:5000 does as well

// It asks although it is the server; the tutorial that this comes from has it so.
void server() {
  zmq::Socket socket(zmq::SocketType::req);
  socket.bind(endpoint);
  for (int request = 1; request < 10; ++request) {
    fmt::print("Switched to Server for {}\n", request);
    socket.send("Hello");
    [[maybe_unused]] const zmq::Message answer = socket.recv(); // switches to the client
  }
}

void client() {
  zmq::Socket socket(zmq::SocketType::rep);
  socket.connect(endpoint);
  for (int request = 1; request < 10; ++request) {
    [[maybe_unused]] const zmq::Message question = socket.recv(); // switches to the server
    fmt::print("Switched to Client for {}\n", request);
    socket.send("World");
  }
}

} // namespace

int main() {
  grove::join_all({
      grove::spawn(server),
      grove::spawn(client),
  });
}
