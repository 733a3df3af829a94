// SPDX-License-Identifier: MIT
// Round trips of a REQ and a REP socket: each on a hub of its own, or two greenlets of one hub.
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub_thread.hpp>

#include "support/meter.hpp"
#include "support/pin.hpp"
#include "zmq/rows.hpp"

namespace bench {

using grove::zmq::Socket;
using grove::zmq::SocketType;

namespace {

std::int64_t warm_up(const Load& load) { return load.count / 10; }

void reply(const Load& load, const std::string& endpoint) {
  Socket rep(SocketType::rep);
  rep.connect(endpoint);
  for (std::int64_t i = warm_up(load) + load.count; i > 0; --i)
    rep.send(rep.recv());
}

void request(const Load& load, Socket& req) {
  std::string body(load.size, 'x');
  const auto round_trip = [&](std::int64_t i) {
    put_number(body, i);
    req.send(body);
    expect_number(req.recv(), load.size, i);
  };
  for (std::int64_t i = 0; i < warm_up(load); ++i)
    round_trip(i);
  const Meter meter;
  for (std::int64_t i = 0; i < load.count; ++i)
    round_trip(i);
  meter.print(load.count);
}

} // namespace

void req_rep(const Load& load) {
  Socket req(SocketType::req);
  const std::string endpoint = req.bind(load.endpoint("questions"));
  grove::HubThread second;
  auto replier = grove::spawn([&] {
    second.call([&] {
      pin_to(1);
      reply(load, endpoint);
    });
  });
  pin_to(0); // and not the I/O thread, which there is by now
  request(load, req);
  replier.join();
}

void one_hub(const Load& load) {
  Socket req(SocketType::req);
  const std::string endpoint = req.bind(load.endpoint("questions"));
  auto replier = grove::spawn([&] { reply(load, endpoint); });
  request(load, req);
  replier.join();
}

} // namespace bench
