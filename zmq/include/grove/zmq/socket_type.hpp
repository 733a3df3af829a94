// SPDX-License-Identifier: MIT
// SocketType: the patterns of ZeroMQ.
#pragma once

namespace grove::zmq {

enum class SocketType : int {
  pair = 0,
  pub = 1,
  sub = 2,
  req = 3,
  rep = 4,
  dealer = 5,
  router = 6,
  pull = 7,
  push = 8,
  xpub = 9,
  xsub = 10,
  stream = 11,
};
// "PAIR", "PUB", ...
const char* name_of(SocketType type) noexcept;

} // namespace grove::zmq
