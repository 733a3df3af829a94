// SPDX-License-Identifier: MIT
// One producer and one consumer, each on a hub of its own.
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub_thread.hpp>

#include "support/meter.hpp"
#include "support/pin.hpp"
#include "zmq/rows.hpp"

namespace bench {

using grove::zmq::Message;
using grove::zmq::Socket;
using grove::zmq::SocketType;

namespace {

void produce(const Load& load, const std::string& endpoint) {
  Socket push(SocketType::push);
  push.connect(endpoint);
  std::string body(load.size, 'x');
  for (std::int64_t i = 0; i < load.count; ++i) {
    put_number(body, i);
    push.send(body);
  }
}

} // namespace

// From the first message that arrives to the last.
void push_pull(const Load& load) {
  Socket pull(SocketType::pull);
  const std::string endpoint = pull.bind(load.endpoint("messages"));
  grove::HubThread second;
  auto producer = grove::spawn([&] {
    second.call([&] {
      pin_to(1);
      produce(load, endpoint);
    });
  });
  pin_to(0);                     // and not the I/O thread, which there is by now
  Message message = pull.recv(); // one variable for all, as in libzmq's program
  expect_number(message, load.size, 0);
  const Meter meter;
  for (std::int64_t i = 1; i < load.count; ++i) {
    message = pull.recv();
    expect_number(message, load.size, i);
  }
  meter.print(load.count - 1);
  producer.join();
}

} // namespace bench
