// SPDX-License-Identifier: MIT
// Message pipes: who waits is served in the poll, in order.
#include <grove/hub/message_pipe.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/watch.hpp>

namespace grove {

namespace {

[[noreturn]] void throw_error(int error, const char* what, int fd) {
  throw std::system_error(error, std::system_category(),
                          std::string("grove: ") + what + " descriptor " + std::to_string(fd));
}

// One message on its way out; on the sender's stack.
struct Outgoing {
  std::array<char, detail::frame_head_size> head;
  std::string_view body;
  bool begun = false; // its rest, if any, is in State::unsent
  int error = 0;
};

} // namespace

// Kept alive by the calls under way. The watches run only while somebody waits, or bytes are left
// to send.
struct MessagePipe::State {
  State(int descriptor, std::size_t largest)
      : fd(descriptor), limit(largest), frames(largest),
        readable(fd, detail::readable,
                 [](detail::Watch& w, unsigned) noexcept {
                   static_cast<State*>(w.owner)->serve_receivers();
                 }),
        writable(fd, detail::writable, [](detail::Watch& w, unsigned) noexcept {
          static_cast<State*>(w.owner)->serve_senders();
        }) {
    readable.owner = writable.owner = this;
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // -- out ---------------------------------------------------------------------------------------
  // 0, or errno. What does not fit is left in `unsent`.
  int begin(Outgoing& message) {
    if (broken != 0)
      return broken;
    iovec parts[2] = {{message.head.data(), message.head.size()},
                      {const_cast<char*>(message.body.data()), message.body.size()}};
    msghdr header{};
    header.msg_iov = parts;
    header.msg_iovlen = 2;
    const std::size_t size = message.head.size() + message.body.size();
    std::string rest; // room for it is made before anything is under way
    rest.reserve(size);
    ssize_t n;
    do
      n = ::sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
      return errno;
    message.begun = true;
    auto sent = static_cast<std::size_t>(n);
    if (sent < size) {
      rest.append(message.head.data(), message.head.size()).append(message.body);
      unsent = std::move(rest);
      unsent_at = sent;
    }
    return 0;
  }
  // True when nothing is left. An error in the midst of a message is the end of sending: the other
  // side would take whatever comes next for the rest of it.
  bool flush() noexcept {
    while (unsent_at < unsent.size()) {
      const ssize_t n = ::send(fd, unsent.data() + unsent_at, unsent.size() - unsent_at,
                               MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n >= 0) {
        unsent_at += static_cast<std::size_t>(n);
      } else if (errno == EAGAIN) {
        return false;
      } else if (errno != EINTR) {
        broken = errno;
        ::shutdown(fd, SHUT_WR);
        break;
      }
    }
    unsent.clear();
    unsent_at = 0;
    return true;
  }
  void serve_senders() noexcept {
    if (!flush())
      return;
    if (detail::Waiter* flusher = flushing.pop_parked()) {
      static_cast<Outgoing*>(flusher->item)->error = broken;
      flusher->granted = true;
      detail::wake(flusher->who);
    }
    while (detail::Waiter* first = senders.pop_parked()) {
      auto* message = static_cast<Outgoing*>(first->item);
      try {
        message->error = begin(*message);
      } catch (const std::bad_alloc&) {
        message->error = ENOMEM;
      }
      if (message->error == EAGAIN) {
        message->error = 0;
        senders.push_front(*first);
        return;
      }
      if (!unsent.empty()) {
        flushing.push_back(*first);
        return;
      }
      first->granted = true;
      detail::wake(first->who);
    }
    writable.stop();
  }

  // -- in ----------------------------------------------------------------------------------------
  // Reads what is there. False if that was nothing.
  bool fill() {
    char block[16384];
    frames.make_room(sizeof block); // what was received must not be lost
    ssize_t n;
    do
      n = ::recv(fd, block, sizeof block, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
      return false;
    if (n < 0 && errno != ECONNRESET) // it died with mail of ours unread: its end as well
      throw_error(errno, "receive from", fd);
    if (n > 0)
      frames.add({block, static_cast<std::size_t>(n)});
    else
      ended = true;
    return true;
  }
  // The next message, or the end, if it is known by now. What is wrong with the stream is thrown.
  bool next(std::optional<std::string>& message) {
    for (;;) {
      message = frames.next();
      if (message)
        return true;
      if (ended) {
        frames.end();
        return true;
      }
      if (!fill())
        return false;
    }
  }
  void serve_receivers() noexcept {
    while (detail::Waiter* first = receivers.pop_parked()) {
      try {
        if (!next(*static_cast<std::optional<std::string>*>(first->item))) {
          receivers.push_front(*first);
          return;
        }
        first->granted = true;
      } catch (...) {
        first->broken = true; // it will meet the same itself
      }
      detail::wake(first->who);
    }
    readable.stop();
  }

  // -- who waits ---------------------------------------------------------------------------------
  void rest() noexcept {
    if (receivers.empty())
      readable.stop();
    if (senders.empty() && unsent.empty())
      writable.stop();
  }

  detail::HomeCheck home;
  int fd;
  std::size_t limit;
  detail::FrameReader frames;
  bool ended = false;
  detail::WaitList receivers;
  detail::WaitList senders;  // whose first byte waits for room
  detail::WaitList flushing; // whose last byte does: one at most
  std::string unsent;
  std::size_t unsent_at = 0;
  int broken = 0; // errno of what failed in mid-message
  detail::Watch readable;
  detail::Watch writable;
};

namespace {
// One who waits in one of the lines.
struct InLine : detail::Waiter {
  MessagePipe::State& state;
  InLine(MessagePipe::State& of, detail::WaitList& line, detail::Watch& watch, void* where)
      : Waiter(where), state(of) {
    line.push_back(*this);
    watch.start();
  }
  ~InLine() {
    unlink();
    state.rest();
  }
};
} // namespace

namespace {
// The head of a frame has 32 bits for it. Throws before any descriptor is taken.
std::size_t checked_limit(std::size_t limit) {
  if (limit > 0xffff'ffff)
    throw std::invalid_argument("grove: MessagePipe: a limit of " + std::to_string(limit) +
                                " bytes; the largest is 4294967295");
  return limit;
}
} // namespace

MessagePipe::MessagePipe(int fd, std::size_t limit) : state_(std::make_shared<State>(fd, limit)) {}

std::pair<MessagePipe, MessagePipe> MessagePipe::pair(std::size_t limit) {
  detail::here(); // first of all: it throws where there is no hub
  checked_limit(limit);
  struct Ends { // closed unless a pipe has taken them over
    int fds[2] = {-1, -1};
    ~Ends() {
      for (const int fd : fds) {
        if (fd >= 0)
          ::close(fd);
      }
    }
  } ends;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.fds) != 0)
    throw std::system_error(errno, std::system_category(), "grove: MessagePipe: socketpair");
  MessagePipe first(ends.fds[0], limit);
  ends.fds[0] = -1;
  MessagePipe second(ends.fds[1], limit);
  ends.fds[1] = -1;
  return {std::move(first), std::move(second)};
}

MessagePipe MessagePipe::from_descriptor(int fd, std::size_t limit) {
  checked_limit(limit);
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
    throw_error(errno, "MessagePipe on", fd);
  if (type != SOCK_STREAM)
    throw_error(ESOCKTNOSUPPORT, "MessagePipe on", fd);
  fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) | FD_CLOEXEC);
  return {fd, limit};
}

MessagePipe& MessagePipe::operator=(MessagePipe&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}

std::shared_ptr<MessagePipe::State> MessagePipe::open_state(const char* what) const {
  if (!is_open())
    throw Closed(std::string(what) + ": the pipe was closed");
  state_->home(what);
  return state_;
}

int MessagePipe::descriptor() const { return state_ == nullptr ? -1 : state_->fd; }

void MessagePipe::close() noexcept {
  if (!is_open())
    return;
  State& state = *state_;
  state.readable.stop();
  state.writable.stop();
  ::close(std::exchange(state.fd, -1));
  state.receivers.break_all();
  state.senders.break_all();
  state.flushing.break_all();
  state.unsent.clear();
}

void MessagePipe::send(std::string_view message, Deadline deadline) {
  const auto state = open_state("MessagePipe.send");
  if (message.size() > state->limit) {
    throw std::invalid_argument("grove: MessagePipe.send: a message of " +
                                std::to_string(message.size()) + " bytes; the limit is " +
                                std::to_string(state->limit));
  }
  detail::check_interrupts();
  Outgoing out{detail::frame_head(message.size()), message};
  const bool first = state->senders.empty() && state->unsent.empty();
  int error = first ? state->begin(out) : EAGAIN;
  if (error == 0 && state->unsent.empty())
    return;
  if (error == 0 || error == EAGAIN) {
    InLine me(*state, out.begun ? state->flushing : state->senders, state->writable, &out);
    const detail::Wake why = detail::park_until("MessagePipe.send", deadline);
    if (me.broken)
      throw Closed("MessagePipe.send: the pipe was closed");
    if (why == detail::Wake::timeout && !out.begun)
      throw TimeoutError("MessagePipe.send: the other side has not made room in time");
    error = out.error;
  }
  if (error != 0)
    throw_error(error, "send to", state->fd);
}

std::optional<std::string> MessagePipe::try_receive() {
  const auto state = open_state("MessagePipe.try_receive");
  std::optional<std::string> message;
  if (state->receivers.empty())
    state->next(message);
  return message;
}

std::optional<std::string> MessagePipe::receive(Deadline deadline) {
  const auto state = open_state("MessagePipe.receive");
  detail::check_interrupts();
  std::optional<std::string> message;
  if (state->receivers.empty() && state->next(message))
    return message;
  InLine me(*state, state->receivers, state->readable, &message);
  if (detail::park_until("MessagePipe.receive", deadline) == detail::Wake::timeout)
    throw TimeoutError("MessagePipe.receive: no message has come");
  if (me.granted)
    return message;
  if (state->fd < 0)
    throw Closed("MessagePipe.receive: the pipe was closed");
  if (!state->next(message)) // throws, or there was no memory
    throw std::bad_alloc();
  return message;
}

// -- ReceiveOp -----------------------------------------------------------------------------------

MessagePipe::ReceiveOp MessagePipe::receive_op() {
  return ReceiveOp(open_state("MessagePipe.receive_op"));
}

MessagePipe::ReceiveOp::ReceiveOp(std::shared_ptr<State> state) : state_(std::move(state)) {
  waiter_.item = &message_;
}
bool MessagePipe::ReceiveOp::ready() {
  if (state_->fd < 0)
    return true;
  if (!state_->receivers.empty())
    return false;
  try {
    return waiter_.granted = state_->next(message_);
  } catch (const std::exception&) {
    return true; // thrown by take()
  }
}
void MessagePipe::ReceiveOp::arm() {
  state_->receivers.push_back(waiter_);
  state_->readable.start();
}
void MessagePipe::ReceiveOp::disarm() {
  waiter_.unlink();
  state_->rest();
}
std::optional<std::string> MessagePipe::ReceiveOp::take() {
  if (!waiter_.granted) {
    if (state_->fd < 0)
      throw Closed("wait_any: the pipe was closed");
    if (!state_->next(message_))
      throw std::bad_alloc();
  }
  return std::move(message_);
}

} // namespace grove
