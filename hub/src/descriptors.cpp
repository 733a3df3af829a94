// SPDX-License-Identifier: MIT
// Waiting for descriptors.
#include "descriptors.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/detail/closings.hpp>
#include <grove/hub/detail/readiness.hpp>

#include "hub_impl.hpp"

namespace grove {

namespace detail {

Direction::Direction(int fd, unsigned interest)
    : watch(fd, interest, [](Watch& w, unsigned) noexcept {
        if (!static_cast<Direction*>(w.owner)->waiters.grant_one())
          w.stop();
      }) {
  watch.owner = this;
  watch.counted = false; // an idle one saves nobody from a Deadlock: Readiness counts who waits
}

int Readiness::stand(int fd, unsigned interest, bool alone) {
  struct stat status {};
  if (fd < 0 || fstat(fd, &status) != 0)
    return fd < 0 ? EBADF : errno;
  if (S_ISREG(status.st_mode))
    return EPERM; // epoll refuses them
  HubImpl& hub = HubImpl::here();
  auto& entries = hub.descriptors->entries;
  if (entries.size() <= static_cast<std::size_t>(fd))
    entries.resize(static_cast<std::size_t>(fd) + 1);
  auto& entry = entries[static_cast<std::size_t>(fd)];
  if (entry.device != status.st_dev || entry.inode != status.st_ino) {
    entry.forget(); // the number was closed elsewhere and stands for something else now
    entry.device = status.st_dev;
    entry.inode = status.st_ino;
  }
  std::unique_ptr<Direction>& slot = interest == readable ? entry.read : entry.write;
  if (slot == nullptr)
    slot = std::make_unique<Direction>(fd, interest);
  if (alone && slot->waiters.first_parked() != nullptr)
    return EBUSY;
  slot->waiters.push_back(waiter_);
  ++hub.counted_watches;
  counted_ = true;
  slot->watch.start();
  return 0;
}

Readiness::~Readiness() {
  if (counted_)
    --HubImpl::here().counted_watches;
}

// Who still waits for what the number stood for hears of its end.
void DescriptorTable::Entry::forget() noexcept {
  for (Direction* direction : {read.get(), write.get()}) {
    if (direction != nullptr)
      direction->waiters.break_all();
  }
  *this = {};
}

void forget_descriptor(int fd) noexcept {
  if (is_descriptor_known(fd))
    HubImpl::here().descriptors->entries[static_cast<std::size_t>(fd)].forget();
}

bool is_descriptor_known(int fd) noexcept {
  const auto& entries = HubImpl::here().descriptors->entries;
  if (fd < 0 || static_cast<std::size_t>(fd) >= entries.size())
    return false;
  const auto& entry = entries[static_cast<std::size_t>(fd)];
  return entry.read != nullptr || entry.write != nullptr;
}

bool is_ready_now(int fd, short events) noexcept {
  pollfd one{fd, events, 0};
  int count;
  do // a signal that is due ends it, though it does not wait
    count = ::poll(&one, 1, 0);
  while (count < 0 && errno == EINTR);
  return count != 0;
}

namespace {

[[noreturn]] void throw_on(int error, const char* what, int fd) {
  throw std::system_error(error, std::system_category(),
                          std::string(what) + " descriptor " + std::to_string(fd));
}

bool wait_for(int fd, unsigned interest, const char* what, Deadline deadline) {
  here();
  Readiness readiness;
  const int error = readiness.stand(fd, interest, true);
  if (error == EBUSY) {
    throw std::logic_error(std::string("grove: ") + what + " descriptor " + std::to_string(fd) +
                           ": another greenlet waits for the same");
  }
  if (error != 0)
    throw_on(error, what, fd);
  const Wake why = park_until(what, deadline);
  if (readiness.closed())
    throw_on(ECANCELED, what, fd);
  return why == Wake::ready;
}

} // namespace

void wait_for_closings(Waiter& waiter) { HubImpl::here().descriptors->closings.push_back(waiter); }

void tell_of_closing() noexcept {
  if (this_hub->index != no_hub_index)
    HubImpl::here().descriptors->closings.grant_all();
}

bool is_closing_awaited() noexcept {
  return this_hub->index != no_hub_index && !HubImpl::here().descriptors->closings.empty();
}

} // namespace detail

bool wait_readable(int fd, Deadline deadline) {
  return detail::wait_for(fd, detail::readable, "wait_readable", deadline);
}
bool wait_writable(int fd, Deadline deadline) {
  return detail::wait_for(fd, detail::writable, "wait_writable", deadline);
}

void close_descriptor(int fd) {
  detail::forget_descriptor(fd);
  const bool closed = ::close(fd) == 0 || errno == EINTR;
  const int error = errno;
  detail::tell_of_closing();
  if (!closed) {
    throw std::system_error(error, std::system_category(),
                            "close descriptor " + std::to_string(fd));
  }
}

} // namespace grove
