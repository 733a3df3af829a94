// SPDX-License-Identifier: MIT
// The system calls of files: which descriptors can be waited for, and calls on those that never
// wait.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>

namespace grove::detail {

[[noreturn]] void throw_file_error(int error, const char* call, const std::string& name);

enum class FileKind { pooled, stream, socket };
// What epoll refuses is never "not ready": threads work on it.
FileKind kind_of_file(int fd, const std::string& name);

// Jobs share it with the file: the number stays taken while one of them may use it.
struct Descriptor {
  int number;
  bool owned;
  Descriptor(int fd, bool own) : number(fd), owned(own) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (owned && number >= 0)
      ::close(number);
  }
};

template <class Call>
auto retried(Call call) {
  decltype(call()) result;
  do
    result = call();
  while (result < 0 && errno == EINTR);
  return result;
}

inline bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK; }

// Never wait: -1 and EAGAIN if it is not ready. A broken pipe gives EPIPE and no signal.
ssize_t read_now(int fd, FileKind kind, char* into, std::size_t size);
ssize_t write_now(int fd, FileKind kind, const char* from, std::size_t size);

} // namespace grove::detail
