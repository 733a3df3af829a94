// SPDX-License-Identifier: MIT
// Bytes from one stream to another.
#include <grove/net/relay.hpp>

#include <string>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/group.hpp>
#include <grove/net/detail/buffer.hpp>

namespace grove::net {

namespace {

[[noreturn]] void throw_late(const char* what, const Stream& from, const Stream& to) {
  throw TimeoutError(std::string(what) + " " + from.name() + " to " + to.name() +
                     ": the deadline came first");
}

void forward(Stream& from, Stream& to, std::uint64_t& count, Deadline deadline) {
  for (;;) {
    if (!from.wait_readable(deadline) || deadline.has_passed())
      throw_late("copy", from, to);
    detail::Buffer buffer;
    const std::span<char> room = buffer.room(detail::buffer_size);
    const std::size_t size = from.recv_into(room, deadline);
    if (size == 0)
      return;
    to.send_all({room.data(), size}, deadline);
    count += size;
  }
}

} // namespace

std::uint64_t copy(Stream& from, Stream& to, Deadline deadline) {
  std::uint64_t count = 0;
  forward(from, to, count, deadline);
  return count;
}

Relayed relay(Stream& first, Stream& second, Deadline deadline) {
  Relayed count;
  Group ways;
  const auto way = [&](Stream& from, Stream& to, std::uint64_t& bytes) {
    ways.spawn([&from, &to, &bytes] {
      forward(from, to, bytes, {});
      to.shutdown_write();
    });
  };
  way(first, second, count.forth);
  way(second, first, count.back);
  if (!ways.finish(deadline))
    throw_late("relay", first, second);
  return count;
}

} // namespace grove::net
