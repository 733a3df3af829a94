// SPDX-License-Identifier: MIT
// File: files, pipes and terminals, read and written without stopping the hub.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <grove/hub/deadline.hpp>

namespace grove {

// File is a descriptor whose calls block only their greenlet. Regular files are worked on by
// threads of the default pool; pipes, terminals and sockets are waited for. A descriptor is never
// made non-blocking: that would change it for every process that shares it.
//
// Hub-local. One greenlet at a time reads and one writes; of a regular file, where both move the
// place, one reads, writes or seeks: std::logic_error for a second. Errors of the system are
// std::system_error naming the call and the file; TimeoutError when a deadline came first; Closed
// when the file is, or gets, closed. A read that is interrupted, times out or fails has taken
// nothing; of a write that does, an unknown part has been written.
class File {
public:
  // Opens a path, as open(2) does with these flags and permissions; closed at the end.
  static File open(const std::string& path, int flags = O_RDONLY, mode_t permissions = 0666,
                   Deadline deadline = {});
  // An open descriptor, which is closed at the end, or not. The name is for error texts. Threads
  // work on a duplicate of a borrowed one, which is closed with the File; as any close(2) of a file
  // that ends the process' record locks on it, fcntl(2)'s, but not flock(2)'s.
  static File own(int descriptor, std::string name = {});
  static File borrow(int descriptor, std::string name = {});

  File(File&&) noexcept = default;
  File& operator=(File&& other) noexcept;
  ~File(); // closes, without a word about errors

  const std::string& name() const; // also of a closed one
  int descriptor() const;          // -1 when it is closed
  bool is_open() const { return descriptor() >= 0; }

  // -- reading -------------------------------------------------------------------------------
  // At least one byte, at most so many; 0 at the end of the file.
  std::size_t read(std::span<char> into, Deadline deadline = {});
  std::string read(std::size_t at_most, Deadline deadline = {});
  // Everything up to the end of the file.
  std::string read_all(Deadline deadline = {});
  // The next line without its '\n'; nothing at the end of the file. The last line may lack the
  // '\n'. std::length_error, and nothing is taken, for a line of more bytes than the limit.
  std::optional<std::string> read_line(Deadline deadline = {},
                                       std::size_t limit = std::string::npos);

  // -- writing -------------------------------------------------------------------------------
  // All of it. A broken pipe is an error (EPIPE), never a SIGPIPE.
  void write(std::string_view data, Deadline deadline = {});
  // Waits until what was written is on the disk. Any number at once.
  void sync(Deadline deadline = {});

  // -- places: regular files -----------------------------------------------------------------
  // At most so many bytes from that place, and all of these to it; tell() stays.
  std::size_t pread(std::span<char> into, off_t place, Deadline deadline = {});
  void pwrite(std::string_view data, off_t place, Deadline deadline = {});
  // As lseek(2); returns the new place. Does not wait.
  off_t seek(off_t offset, int whence = SEEK_SET);
  off_t tell() const;

  // Who reads or writes is woken with Closed. std::system_error if the system finds an error only
  // now. A second time: nothing.
  void close();

private:
  struct State;
  explicit File(std::shared_ptr<State> state) : state_(std::move(state)) {}
  State& opened(const char* what) const;
  std::shared_ptr<State> state_;
};

} // namespace grove
