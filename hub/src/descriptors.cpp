// SPDX-License-Identifier: MIT
// Waiting for descriptors.
#include "descriptors.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include <grove/hub/descriptor.hpp>

#include "hub_impl.hpp"

namespace grove {

namespace detail {

Direction::Direction(int fd, unsigned interest)
    : watch(fd, interest, [](Watch& w, unsigned) noexcept {
        auto* self = static_cast<Direction*>(w.owner);
        Waiter* first = self->waiter;
        if (first == nullptr || (first->who->flags & flag::parked) == 0) {
          w.stop();
          return;
        }
        self->waiter = nullptr;
        first->granted = true;
        wake(first->who);
      }) {
  watch.owner = this;
  watch.counted = false; // an idle one saves nobody from a Deadlock: wait_for() counts who waits
}

namespace {

[[noreturn]] void throw_on(int error, const char* what, int fd) {
  throw std::system_error(error, std::system_category(),
                          std::string(what) + " descriptor " + std::to_string(fd));
}

bool wait_for(int fd, unsigned interest, const char* what, Deadline deadline) {
  struct stat status {};
  if (fd < 0 || fstat(fd, &status) != 0)
    throw_on(fd < 0 ? EBADF : errno, what, fd);
  if (S_ISREG(status.st_mode))
    throw_on(EPERM, what, fd); // epoll refuses them: never "not ready"
  HubImpl& hub = HubImpl::here();
  auto& entries = hub.descriptors->entries;
  if (entries.size() <= static_cast<std::size_t>(fd))
    entries.resize(static_cast<std::size_t>(fd) + 1);
  auto& entry = entries[static_cast<std::size_t>(fd)];
  if (entry.device != status.st_dev || entry.inode != status.st_ino) {
    entry = {}; // the number was closed elsewhere and stands for something else now
    entry.device = status.st_dev;
    entry.inode = status.st_ino;
  }
  std::unique_ptr<Direction>& slot = interest == readable ? entry.read : entry.write;
  if (slot == nullptr)
    slot = std::make_unique<Direction>(fd, interest);
  Direction* direction = slot.get();
  if (direction->waiter != nullptr) {
    throw std::logic_error(std::string("grove: ") + what + " descriptor " + std::to_string(fd) +
                           ": another greenlet waits for the same");
  }
  Waiter waiter;
  struct Standing {
    HubImpl& hub;
    Direction* direction;
    Waiter* waiter;
    Standing(HubImpl& h, Direction* d, Waiter* w) : hub(h), direction(d), waiter(w) {
      ++hub.counted_watches;
      direction->waiter = waiter;
    }
    ~Standing() {
      --hub.counted_watches;
      // After close_descriptor() the direction is gone.
      if (!waiter->broken && direction->waiter == waiter)
        direction->waiter = nullptr;
    }
  } standing(hub, direction, &waiter);
  direction->watch.start();
  const Wake why = park_until(what, deadline);
  if (waiter.broken)
    throw_on(ECANCELED, what, fd);
  return why == Wake::ready;
}

} // namespace
} // namespace detail

bool wait_readable(int fd, Deadline deadline) {
  return detail::wait_for(fd, detail::readable, "wait_readable", deadline);
}
bool wait_writable(int fd, Deadline deadline) {
  return detail::wait_for(fd, detail::writable, "wait_writable", deadline);
}

void close_descriptor(int fd) {
  auto& entries = detail::HubImpl::here().descriptors->entries;
  if (fd >= 0 && static_cast<std::size_t>(fd) < entries.size()) {
    auto entry = std::move(entries[static_cast<std::size_t>(fd)]);
    for (detail::Direction* direction : {entry.read.get(), entry.write.get()}) {
      if (direction == nullptr || direction->waiter == nullptr)
        continue;
      direction->waiter->broken = true;
      detail::wake(direction->waiter->who);
    }
  }
  if (::close(fd) != 0 && errno != EINTR) {
    throw std::system_error(errno, std::system_category(),
                            "close descriptor " + std::to_string(fd));
  }
}

} // namespace grove
