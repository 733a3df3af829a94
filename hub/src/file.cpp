// SPDX-License-Identifier: MIT
// File: opening, the calls, closing.
#include <grove/hub/file.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/thread_pool.hpp>

#include "descriptors.hpp"
#include "file_state.hpp"
#include "hub_impl.hpp"

namespace grove {

using detail::retried;
using detail::throw_file_error;

namespace {

constexpr std::size_t line_chunk = 16 * 1024;

[[noreturn]] void throw_busy(const char* what, const std::string& name) {
  throw std::logic_error("grove: " + std::string(what) + ": another greenlet is at work with " +
                         name);
}

// Who reads, or writes: one at a time.
class Turn {
public:
  Turn(detail::Identity*& slot, const char* what, const std::string& name) : slot_(slot) {
    if (slot != nullptr)
      throw_busy(what, name);
    slot = detail::this_hub->current;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { slot_ = nullptr; }

private:
  detail::Identity*& slot_;
};

std::string name_or_number(std::string name, int fd) {
  if (!name.empty())
    return name;
  constexpr const char* standard[] = {"stdin", "stdout", "stderr"};
  return fd >= 0 && fd <= 2 ? standard[fd] : "descriptor " + std::to_string(fd);
}

// What close_descriptor() does, of a descriptor that stays open, for one greenlet.
void wake_waiter(int fd, const detail::Identity* who) {
  auto& entries = detail::HubImpl::here().descriptors->entries;
  if (who == nullptr || static_cast<std::size_t>(fd) >= entries.size())
    return;
  auto& entry = entries[static_cast<std::size_t>(fd)];
  for (detail::Direction* direction : {entry.read.get(), entry.write.get()}) {
    if (direction != nullptr)
      direction->waiters.break_those_of(who);
  }
}

} // namespace

// -- making ---------------------------------------------------------------------------------------

File File::open(const std::string& path, int flags, mode_t permissions, Deadline deadline) {
  struct Opened {
    std::shared_ptr<detail::Descriptor> descriptor;
    int error = 0;
  };
  detail::here();
  detail::check_interrupts();
  auto result = default_thread_pool().submit([path, flags, permissions] {
    const int fd = retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, permissions); });
    if (fd < 0)
      return Opened{nullptr, errno};
    return Opened{std::make_shared<detail::Descriptor>(fd, true), 0};
  });
  detail::wait_for_job(result, nullptr, "File.open", path, deadline);
  const Opened opened = detail::take_result(std::move(result));
  if (opened.error != 0)
    throw_file_error(opened.error, "open", path);
  return File(std::make_shared<State>(opened.descriptor, path));
}

File File::own(int descriptor, std::string name) {
  name = name_or_number(std::move(name), descriptor);
  auto held = std::make_shared<detail::Descriptor>(descriptor, false);
  File file(std::make_shared<State>(held, std::move(name)));
  held->owned = true; // only now: if that failed it is still the caller's
  return file;
}

File File::borrow(int descriptor, std::string name) {
  name = name_or_number(std::move(name), descriptor);
  auto state = std::make_shared<State>(std::make_shared<detail::Descriptor>(descriptor, false),
                                       std::move(name));
  if (state->pooled())
    state->make_duplicate();
  return File(std::move(state));
}

File& File::operator=(File&& other) noexcept {
  File old(std::exchange(state_, std::move(other.state_)));
  return *this;
}

File::~File() {
  // Where there is no hub nobody waits in a call, and the last owner closes the descriptor.
  if (state_ == nullptr || detail::this_hub->index == detail::no_hub_index)
    return;
  try {
    close();
  } catch (const std::exception&) { // whoever wants to know calls close()
  }
}

const std::string& File::name() const { return state_->name; }
int File::descriptor() const { return state_->closed.is_set() ? -1 : state_->fd(); }

File::State& File::opened(const char* what) const {
  if (state_ == nullptr)
    throw std::logic_error("grove: " + std::string(what) + ": the File was moved away");
  state_->home(what);
  detail::check_interrupts();
  state_->must_be_open(what);
  return *state_;
}

// -- reading --------------------------------------------------------------------------------------

std::size_t File::read(std::span<char> into, Deadline deadline) {
  State& file = opened("File.read");
  const auto keep = state_;
  const Turn turn(file.reader, "File.read", file.name);
  if (file.buffer.empty())
    return file.read_some(into.data(), into.size(), "File.read", deadline);
  const std::string front = file.take_front(into.size());
  std::memcpy(into.data(), front.data(), front.size());
  return front.size();
}

std::string File::read(std::size_t at_most, Deadline deadline) {
  std::string data(std::min(at_most, State::largest_job), '\0');
  data.resize(read(std::span(data), deadline));
  return data;
}

std::string File::read_all(Deadline deadline) {
  State& file = opened("File.read_all");
  const auto keep = state_;
  const Turn turn(file.reader, "File.read_all", file.name);
  while (file.fill(State::largest_job, "File.read_all", deadline)) {
  }
  return std::exchange(file.buffer, {});
}

std::optional<std::string> File::read_line(Deadline deadline, std::size_t limit) {
  State& file = opened("File.read_line");
  const auto keep = state_;
  const Turn turn(file.reader, "File.read_line", file.name);
  for (std::size_t seen = 0;;) {
    const std::size_t end = file.buffer.find('\n', seen);
    if (std::min(end, file.buffer.size()) > limit) {
      throw std::length_error("File.read_line: a line of " + file.name + " is longer than " +
                              std::to_string(limit) + " bytes");
    }
    if (end != std::string::npos) {
      std::string line = file.take_front(end + 1);
      line.pop_back();
      return line;
    }
    seen = file.buffer.size();
    if (file.fill(line_chunk, "File.read_line", deadline))
      continue;
    if (file.buffer.empty())
      return std::nullopt;
    return std::exchange(file.buffer, {});
  }
}

// -- writing --------------------------------------------------------------------------------------

void File::write(std::string_view data, Deadline deadline) {
  State& file = opened("File.write");
  const auto keep = state_;
  const Turn turn(file.turn_to_write(), "File.write", file.name);
  if (file.pooled())
    file.drop_buffer();
  file.write_all(data, "File.write", deadline);
}

void File::sync(Deadline deadline) {
  State& file = opened("File.sync");
  const auto keep = state_;
  int error = 0;
  if (file.pooled()) {
    error = file.by_thread(
        [d = file.worked_on()] {
          return retried([&] { return ::fsync(d->number); }) != 0 ? errno : 0;
        },
        "File.sync", deadline);
  } else if (::fsync(file.fd()) != 0) {
    error = errno;
  }
  if (error != 0)
    throw_file_error(error, "fsync", file.name);
}

// -- places ---------------------------------------------------------------------------------------

namespace {
void must_be_a_place(off_t place, const char* call, const std::string& name, off_t here) {
  if (place < 0)
    throw_file_error(EINVAL, call, name + " at " + std::to_string(place));
  if (here < 0)
    throw_file_error(errno, call, name);
}
} // namespace

std::size_t File::pread(std::span<char> into, off_t place, Deadline deadline) {
  State& file = opened("File.pread");
  const auto keep = state_;
  must_be_a_place(place, "pread", file.name, file.move_place(0, SEEK_CUR));
  const std::string data =
      file.read_by_thread(std::min(into.size(), State::largest_job), place, "File.pread", deadline);
  std::memcpy(into.data(), data.data(), data.size());
  return data.size();
}

void File::pwrite(std::string_view data, off_t place, Deadline deadline) {
  State& file = opened("File.pwrite");
  const auto keep = state_;
  must_be_a_place(place, "pwrite", file.name, file.move_place(0, SEEK_CUR));
  for (std::size_t done = 0; done < data.size(); done += State::largest_job) {
    file.must_be_open("File.pwrite");
    file.write_by_thread(data.substr(done, State::largest_job), place + static_cast<off_t>(done),
                         "File.pwrite", deadline);
  }
}

off_t File::seek(off_t offset, int whence) {
  State& file = opened("File.seek");
  if (file.pooled() && file.reader != nullptr)
    throw_busy("File.seek", file.name); // who moves the place when it is done
  if (whence == SEEK_CUR)
    offset -= static_cast<off_t>(file.buffer.size());
  const off_t place = file.move_place(offset, whence);
  if (place < 0)
    throw_file_error(errno, "seek", file.name);
  file.buffer.clear();
  return place;
}

off_t File::tell() const {
  State& file = opened("File.tell");
  const off_t place = file.move_place(0, SEEK_CUR);
  if (place < 0)
    throw_file_error(errno, "seek", file.name);
  return place - static_cast<off_t>(file.buffer.size());
}

// -- the end --------------------------------------------------------------------------------------

void File::close() {
  if (state_ == nullptr || state_->closed.is_set())
    return;
  State& file = *state_;
  file.home("File.close");
  const auto keep = state_;
  if (file.pooled())
    file.drop_buffer(); // for who shares the descriptor
  file.closed.set();
  file.duplicate.reset();
  const auto descriptor = file.descriptor;
  if (!descriptor->owned) {
    wake_waiter(descriptor->number, file.reader);
    wake_waiter(descriptor->number, file.writer);
  } else if (!file.pooled()) {
    close_descriptor(std::exchange(descriptor->number, -1));
  } else if (descriptor.use_count() == 2) { // no job uses it: the file, and we
    if (::close(std::exchange(descriptor->number, -1)) != 0 && errno != EINTR)
      throw_file_error(errno, "close", file.name);
  } else {
    file.descriptor = std::make_shared<detail::Descriptor>(-1, false); // the last job closes it
  }
}

} // namespace grove
