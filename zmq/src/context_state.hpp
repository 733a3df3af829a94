// SPDX-License-Identifier: MIT
// What a Context and its sockets share: libzmq's context, and its termination on another thread.
#pragma once

#include <memory>
#include <mutex>

#include <zmq.hpp>

#include <grove/hub/deadline.hpp>
#include <grove/zmq/context.hpp>

namespace grove::zmq::detail {

// zmq_ctx_term() blocks until every socket is closed and nothing lingers (P69), so a thread of its
// own calls it, and tells the hubs that wait.
class ContextState {
public:
  explicit ContextState(ContextOptions options);
  ContextState(const ContextState&) = delete;
  ContextState& operator=(const ContextState&) = delete;
  ~ContextState();

  ::zmq::socket_t open_socket(int type); // zmq::error_t; ETERM once termination has begun
  void* handle() const noexcept;
  void shutdown() noexcept;
  bool term(Deadline deadline);
  // At the exit of the process there may be no hub to park on.
  void block_at_end() noexcept { may_park_ = false; }

private:
  struct Termination;

  mutable std::mutex mutex_;
  ::zmq::context_t context_;                 // empty once termination has begun
  std::shared_ptr<Termination> termination_; // once it has begun
  bool may_park_ = true;
};

} // namespace grove::zmq::detail
