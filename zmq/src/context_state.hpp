// SPDX-License-Identifier: MIT
// What a Context and its sockets share: libzmq's context, its termination on another thread, and
// the list of the sockets.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/zmq/context.hpp>

#include "fork.hpp"

namespace grove::zmq::detail {

// zmq_ctx_term() blocks until every socket is closed and nothing lingers (P69), so a thread of its
// own calls it, and tells the hubs that wait.
class ContextState {
public:
  using Entry = std::list<OpenSocket>::iterator;

  explicit ContextState(ContextOptions options);
  ContextState(const ContextState&) = delete;
  ContextState& operator=(const ContextState&) = delete;
  ~ContextState();

  // What its sockets tell of themselves. A socket alone changes its entry: it may read it freely.
  // Null, and the errno, if libzmq refuses: ETERM once termination has begun.
  void* open_socket(SocketType type, Entry& entry);
  void close_socket(Entry entry) noexcept; // its handle is closed by then
  // Without memory it is not listed: what it names is bound all the same.
  void add_endpoint(Entry entry, const std::string& endpoint) noexcept;
  void remove_endpoint(Entry entry, const std::string& endpoint) noexcept;

  std::vector<OpenSocket> open_sockets() const;
  void* handle() const noexcept;
  void shutdown() noexcept;
  bool term(Deadline deadline);
  // At the exit of the process there may be no hub to park on. Logs what is open.
  void prepare_for_exit() noexcept;
  // Whether all calls are to fail. libzmq tells a socket by a command, which one that is busy
  // handles about once in a millisecond.
  bool has_shut_down() const noexcept { return shut_down_.load(std::memory_order_relaxed); }
  bool of_the_parent() const noexcept { return forks_ != forks; }

private:
  struct Termination;

  const unsigned forks_ = forks;
  mutable std::mutex mutex_;
  void* context_;                            // null once termination has begun
  std::shared_ptr<Termination> termination_; // once it has begun
  std::list<OpenSocket> open_;
  std::atomic<bool> shut_down_ = false; // set once libzmq has told the sockets
  bool may_park_ = true;
};

} // namespace grove::zmq::detail
