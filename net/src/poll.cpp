// SPDX-License-Identifier: MIT
// Waiting for many descriptors at once.
#include <grove/net/poll.hpp>

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <grove/hub/detail/closings.hpp>
#include <grove/hub/detail/watch.hpp>
#include <grove/hub/exceptions.hpp>

#include "socket_state.hpp"

namespace grove::net {

namespace {

// The bits that poll(2) and epoll(7) share have the same values.
static_assert(POLLIN == EPOLLIN && POLLPRI == EPOLLPRI && POLLOUT == EPOLLOUT &&
              POLLERR == EPOLLERR && POLLHUP == EPOLLHUP && POLLRDHUP == EPOLLRDHUP);

[[noreturn]] void throw_errno(int error, const std::string& what) {
  throw std::system_error(error, std::system_category(), what);
}

std::size_t look(std::span<pollfd> all) {
  int count;
  do
    count = ::poll(all.data(), all.size(), 0);
  while (count < 0 && errno == EINTR);
  if (count < 0)
    throw_errno(errno, "poll " + std::to_string(all.size()) + " descriptors");
  return static_cast<std::size_t>(count);
}

// An epoll set of them, which the hub watches in their place: so a number may be waited for by
// others, too, and be closed and given out again, without the hub's loop being misled. A set that
// cannot have one of them (it was just closed by another thread) is ready to be looked at again.
class Set {
public:
  explicit Set(std::span<const pollfd> all)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)),
        watch_(epoll_.get(), grove::detail::readable,
               [](grove::detail::Watch& watch, unsigned) noexcept {
                 watch.stop();
                 auto* waiter = static_cast<grove::detail::Waiter*>(watch.owner);
                 if (grove::detail::wake(waiter->who))
                   waiter->granted = true;
               }) {
    if (epoll_.get() < 0)
      throw_errno(errno, "poll: epoll_create1");
    std::map<int, short> events; // of one that is in there twice, both
    for (const pollfd& one : all) {
      if (one.fd >= 0)
        events[one.fd] = static_cast<short>(events[one.fd] | one.events);
    }
    watch_.counted = !events.empty(); // nothing is no reason to wait for ever
    for (const auto& [fd, wanted] : events) {
      epoll_event event{};
      event.events = static_cast<unsigned short>(wanted);
      if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0)
        continue;
      if (errno == EPERM) // a file or /dev/null: ready at once, or, for urgent data, never
        continue;
      if (errno != EBADF)
        throw_errno(errno, "poll descriptor " + std::to_string(fd));
      complete_ = false;
    }
  }

  // Until one of them is ready, something is closed, or the deadline.
  void await(Deadline deadline) {
    if (!complete_)
      return;
    grove::detail::Waiter waiter;
    watch_.owner = &waiter;
    watch_.start();
    const StopAtEnd stop{watch_};
    grove::detail::wait_for_closings(waiter);
    grove::detail::park_until("net::poll", deadline);
  }

private:
  struct StopAtEnd {
    grove::detail::Watch& watch;
    ~StopAtEnd() { watch.stop(); }
  };
  detail::NewDescriptor epoll_;
  grove::detail::Watch watch_;
  bool complete_ = true;
};

template <class IsOver>
std::size_t poll_until(std::span<pollfd> all, Deadline deadline, IsOver check_over) {
  grove::detail::yield_now();
  for (;;) {
    check_over();
    const std::size_t count = look(all);
    if (count > 0 || deadline.has_passed())
      return count;
    Set(all).await(deadline);
  }
}

} // namespace

std::size_t poll(std::span<pollfd> all, Deadline deadline) {
  return poll_until(all, deadline, [] {});
}

// -- Poll ----------------------------------------------------------------------------------------

// Shared with the waits under way, which may find the Poll gone.
struct Poll::State {
  std::map<int, short> events;
  bool closed = false;
};

Poll::Poll() : state_(std::make_shared<State>()) {}

Poll::State& Poll::opened(const char* what) const {
  home_(what);
  if (state_->closed)
    throw Closed(std::string(what) + ": it was closed");
  return *state_;
}

std::size_t Poll::size() const { return state_->events.size(); }

void Poll::add(DescriptorNumber descriptor, short events) {
  State& state = opened("Poll.add");
  if (fcntl(descriptor.number, F_GETFD) < 0)
    throw_errno(errno, "Poll.add descriptor " + std::to_string(descriptor.number));
  state.events[descriptor.number] = events;
}

void Poll::modify(DescriptorNumber descriptor, short events) {
  State& state = opened("Poll.modify");
  const auto at = state.events.find(descriptor.number);
  if (at == state.events.end())
    throw_errno(ENOENT, "Poll.modify descriptor " + std::to_string(descriptor.number));
  at->second = events;
}

void Poll::remove(DescriptorNumber descriptor) {
  if (opened("Poll.remove").events.erase(descriptor.number) == 0)
    throw_errno(ENOENT, "Poll.remove descriptor " + std::to_string(descriptor.number));
}

std::vector<Poll::Ready> Poll::wait(Deadline deadline) {
  opened("Poll.wait");
  const std::shared_ptr<State> state = state_;
  std::vector<pollfd> all;
  all.reserve(state->events.size());
  for (const auto& [number, events] : state->events)
    all.push_back({number, events, 0});
  const auto check_over = [&] {
    if (state->closed)
      throw Closed("Poll.wait: it was closed");
  };
  std::vector<Ready> ready;
  if (poll_until(all, deadline, check_over) == 0)
    return ready;
  for (const pollfd& one : all) {
    if (one.revents != 0)
      ready.push_back({one.fd, one.revents});
  }
  return ready;
}

void Poll::close() noexcept {
  state_->closed = true;
  grove::detail::tell_of_closing();
}

} // namespace grove::net
