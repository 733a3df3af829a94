// SPDX-License-Identifier: MIT
#include "poller.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include <grove/hub/detail/watch.hpp>

#include "hub_impl.hpp"

namespace grove::detail {

namespace {

constexpr int at_a_look = 8; // events
// At once. The kernel looks at a socket when it tells of it, and of more than a few hundred the
// first are out of the cache again when it is their turn: 64 at once are 7 % cheaper with 10,000
// busy connections. But the slowest of their answers come a third later.
constexpr std::size_t fewest_events = 64;
constexpr std::size_t most_events = 16 * 1024;

int descriptor_in(const epoll_event& event) {
  return static_cast<int>(event.data.u64 & 0xffffffffU);
}

unsigned directions(std::uint32_t events) {
  unsigned all = 0;
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
    all |= readable;
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
    all |= writable;
  return all;
}

} // namespace

// -- the set -------------------------------------------------------------------------------------

Poller::Poller() : set_(epoll_create1(EPOLL_CLOEXEC)), events_(fewest_events) {
  if (set_ < 0)
    throw std::system_error(errno, std::system_category(), "grove: epoll for a hub");
}

Poller::~Poller() { ::close(set_); }

bool Poller::renew() {
  const int fresh = epoll_create1(EPOLL_CLOEXEC);
  if (fresh < 0)
    return false;
  ::close(std::exchange(set_, fresh));
  stale_ = false;
  refused_.clear();
  for (std::size_t fd = 0; fd < entries_.size(); ++fd) {
    entries_[fd].known = Known::no;
    entries_[fd].refused = false;
    if (entries_[fd].first != nullptr)
      change(static_cast<int>(fd));
  }
  return true;
}

void Poller::add(Watch& watch) {
  const auto index = static_cast<std::size_t>(watch.fd_);
  if (index >= entries_.size())
    entries_.resize(std::max(index + 1, entries_.size() * 2));
  Entry& entry = entries_[index];
  if (entry.first == nullptr && !watch.seen_) // its number was another's
    entry.known = Known::no;
  watch.seen_ = true;
  watch.next_ = entry.first;
  entry.first = &watch;
  change(watch.fd_);
}

void Poller::remove(Watch& watch) noexcept {
  Entry& entry = of(watch.fd_);
  if (next_ == &watch)
    next_ = watch.next_;
  Watch** at = &entry.first;
  while (*at != &watch)
    at = &(*at)->next_;
  *at = watch.next_;
  if (entry.first == nullptr && entry.known == Known::yes)
    entry.known = Known::perhaps; // it may be closed
}

void Poller::stop_all() {
  for (const Entry& entry : entries_) {
    for (Watch* watch = entry.first; watch != nullptr;) {
      Watch* const next = watch->next_;
      watch->stop();
      watch = next;
    }
  }
}

// -- what the kernel is told ---------------------------------------------------------------------

void Poller::change(int fd) {
  if (!std::exchange(of(fd).changed, true))
    changed_.push_back(fd);
}

bool Poller::control(int operation, int fd, const Entry& entry) const {
  epoll_event event{};
  event.events = ((entry.told & readable) != 0 ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                 ((entry.told & writable) != 0 ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.u64 = static_cast<std::uint64_t>(entry.generation) << 32 | static_cast<unsigned>(fd);
  return epoll_ctl(set_, operation, fd, &event) == 0;
}

void Poller::tell_kernel(int fd) {
  Entry& entry = of(fd);
  entry.changed = false;
  unsigned wanted = 0;
  for (const Watch* watch = entry.first; watch != nullptr; watch = watch->next_)
    wanted |= watch->interest_;
  if (wanted == 0 || (entry.known == Known::yes && entry.told == wanted))
    return;
  entry.told = static_cast<unsigned char>(wanted);
  ++entry.generation;
  // What is likelier comes first.
  const bool done = entry.known == Known::no
                        ? control(EPOLL_CTL_ADD, fd, entry) ||
                              (errno == EEXIST && control(EPOLL_CTL_MOD, fd, entry))
                        : control(EPOLL_CTL_MOD, fd, entry) ||
                              (errno == ENOENT && control(EPOLL_CTL_ADD, fd, entry));
  entry.known = done ? Known::yes : Known::no;
  if (!done && !entry.refused)
    refused_.push_back(fd);
  entry.refused = !done;
}

// -- what it tells -------------------------------------------------------------------------------

bool Poller::poll(bool may_sleep) {
  for (const int fd : changed_)
    tell_kernel(fd);
  changed_.clear();
  const int count = epoll_wait(set_, events_.data(), static_cast<int>(events_.size()),
                               may_sleep && refused_.empty() ? -1 : 0);
  if (count < 0 && errno != EINTR) { // somebody has closed what was not his
    std::fprintf(stderr, "grove: the hub's epoll descriptor %d: %s\n", set_, std::strerror(errno));
    std::abort();
  }
  for (int i = 0; i < count; ++i) {
    if (i % at_a_look == 0)
      look_ahead({events_.data() + i, static_cast<std::size_t>(std::min(count - i, at_a_look))});
    hear(events_[static_cast<std::size_t>(i)]);
  }
  if (!refused_.empty())
    call_refused();
  const bool called = count > 0 || !refused_.empty(); // those that were called are refused still
  if (stale_)
    renew();
  if (count == static_cast<int>(events_.size()) && events_.size() < most_events)
    events_.resize(events_.size() * 2);
  return called;
}

// Of thousands of watches none is in the cache, and each leads on to the next cold place. So the
// loads for several of them are under way at once.
void Poller::look_ahead(std::span<const epoll_event> events) {
  const void* owners[at_a_look];
  std::size_t count = 0;
  for (const epoll_event& event : events) {
    if (const Watch* const watch = of(descriptor_in(event)).first)
      owners[count++] = watch->owner;
  }
  for (std::size_t i = 0; i < count; ++i)
    __builtin_prefetch(owners[i]);
}

namespace {
// What nobody watches any more may be closed, and its number another thread's by now: then the
// kernel finds it not in this set. The name of the call would have ThreadSanitizer see a race
// there.
bool take_back_unwatched(int set, int fd) noexcept {
  return syscall(SYS_epoll_ctl, set, EPOLL_CTL_DEL, fd, nullptr) == 0;
}
} // namespace

void Poller::hear(const epoll_event& event) {
  const int fd = descriptor_in(event);
  Entry& entry = of(fd);
  if (entry.generation != event.data.u64 >> 32) [[unlikely]] {
    stale_ = true;
    return;
  }
  if (call(entry.first, directions(event.events))) [[likely]]
    return;
  if (entry.first != nullptr)
    change(fd);
  else if (take_back_unwatched(set_, fd))
    entry.known = Known::no;
  else
    stale_ = true;
}

// False if nobody has asked for it.
bool Poller::call(Watch* first, unsigned ready) {
  bool called = false;
  for (Watch* watch = first; watch != nullptr; watch = next_) {
    next_ = watch->next_;
    const unsigned its = watch->interest_ & ready;
    if (its == 0)
      continue;
    called = true;
    watch->callback_(*watch, its); // it may stop others
  }
  return called;
}

void Poller::call_refused() {
  const std::vector<int> all = refused_;
  refused_.clear();
  for (const int fd : all) {
    if (!of(fd).refused)
      continue;
    if (call(of(fd).first, readable | writable))
      refused_.push_back(fd);
    else
      of(fd).refused = false;
  }
}

// -- watches -------------------------------------------------------------------------------------

Watch::Watch(int fd, unsigned interest, Callback callback)
    : interest_(static_cast<unsigned char>(interest)), fd_(fd), callback_(callback) {}

Watch::~Watch() { stop(); }

void Watch::start() {
  if (active_)
    return;
  HubImpl& hub = HubImpl::here();
  hub.poller.add(*this);
  active_ = true;
  ++hub.watches;
  if (counted)
    ++hub.counted_watches;
}

void Watch::stop() {
  if (!active_)
    return;
  HubImpl& hub = HubImpl::here();
  hub.poller.remove(*this);
  active_ = false;
  --hub.watches;
  if (counted)
    --hub.counted_watches;
}

} // namespace grove::detail
