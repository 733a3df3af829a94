// SPDX-License-Identifier: MIT
// Sending and receiving whole messages through libzmq's part-wise functions.
#include "transfer.hpp"

#include <utility>

namespace grove::zmq::detail {

namespace {

// The types that hand a message to one peer of many, and refuse in the middle of it when that peer
// goes away: libzmq has forgotten the parts it took, and the whole message must be sent anew. (The
// others either go on with the next part or drop what nobody can get.) What libzmq gives to another
// peer without a word cannot be helped here: docs/zmq.md, "A known limit".
bool starts_anew(SocketType type) noexcept {
  return type == SocketType::push || type == SocketType::dealer || type == SocketType::pair;
}

// As ZMQ_EVENTS does when it is read.
void handle_commands(void* handle) noexcept {
  int events = 0;
  std::size_t size = sizeof events;
  zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size);
}

} // namespace

Attempt Sending::attempt_parts(void* handle) noexcept {
  const Attempt result = attempt_once(handle);
  if (error_ != EHOSTUNREACH) [[likely]]
    return result;
  // A ROUTER has not heard of that peer, perhaps only because it has not listened (P66).
  handle_commands(handle);
  return attempt_once(handle);
}

Attempt Sending::attempt_once(void* handle) noexcept {
  error_ = 0;
  const std::size_t last = parts_.size() - 1;
  if (last == 0 && is_addressed(type_)) [[unlikely]] {
    error_ = EINVAL;
    return Attempt::done;
  }
  const bool keep = starts_anew(type_);
  for (; next_ < last; ++next_) {
    if (keep) {
      Message copy;
      zmq_msg_copy(raw(copy), raw(parts_[next_])); // counts a reference; allocates nothing
      error_ = send_part(handle, copy, ZMQ_SNDMORE);
    } else {
      error_ = send_part(handle, parts_[next_], ZMQ_SNDMORE);
    }
    if (error_ != 0)
      break;
  }
  if (error_ == 0)
    error_ = send_part(handle, parts_[last], 0);
  if (error_ != EAGAIN)
    return Attempt::done;
  error_ = 0;
  if (keep && next_ > 0) {
    // PUSH and DEALER now drop parts until the end of that message: give them one. After a refused
    // last part they are through already. PAIR has no peer left, and refuses.
    if (next_ < last && type_ != SocketType::pair) {
      Message end;
      send_part(handle, end, 0);
    }
    next_ = 0;
  }
  return Attempt::again;
}

std::size_t drop_rest(void* handle, const Message& part) noexcept {
  std::size_t count = 0;
  bool more = has_more(part);
  Message dropped;
  while (more && receive_part(handle, dropped) == 0) {
    ++count;
    more = has_more(dropped);
  }
  return count;
}

Attempt ReceivingAll::attempt(void* handle) noexcept {
  failure_ = nullptr;
  Message part;
  error_ = receive_part(handle, part);
  if (error_ == EAGAIN) {
    error_ = 0;
    return Attempt::again;
  }
  while (error_ == 0) {
    const bool more = has_more(part);
    try {
      parts_.emplace_back(std::move(part));
    } catch (...) { // the next message must not begin in the middle of this one
      failure_ = std::current_exception();
      if (more)
        drop_rest(handle, part);
      break;
    }
    if (!more)
      return Attempt::done;
    error_ = receive_part(handle, part);
  }
  parts_.clear();
  return Attempt::done;
}

} // namespace grove::zmq::detail
