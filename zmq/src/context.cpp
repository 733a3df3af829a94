// SPDX-License-Identifier: MIT
// Contexts, and how they end without blocking a hub.
#include <grove/zmq/context.hpp>

#include <zmq.hpp>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/detail/hub_state.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/timeout.hpp>

#include "context_state.hpp"
#include "fail.hpp"

namespace grove::zmq {
namespace detail {

// The way of one zmq_ctx_term(). The thread that runs it holds it too: the waiting may end early.
struct ContextState::Termination {
  ::zmq::context_t context;
  std::mutex mutex;
  std::condition_variable condition;     // for threads without a hub
  std::vector<AsyncResult<void>> to_set; // for hubs
  bool done = false;

  explicit Termination(::zmq::context_t&& c) : context(std::move(c)) {}
  void run() noexcept {
    context.close();
    std::vector<AsyncResult<void>> waiting;
    {
      const std::lock_guard lock(mutex);
      done = true;
      waiting.swap(to_set);
    }
    condition.notify_all();
    for (const auto& ended : waiting)
      ended.set();
  }
};

namespace {

::zmq::context_t make(const ContextOptions& options) {
  try {
    ::zmq::context_t context;
    context.set(::zmq::ctxopt::io_threads, options.io_threads);
    context.set(::zmq::ctxopt::max_sockets, options.max_sockets);
    return context;
  } catch (const ::zmq::error_t& error) {
    fail(error.num(), "make a zmq context (io_threads " + std::to_string(options.io_threads) +
                          ", max_sockets " + std::to_string(options.max_sockets) + ")");
  }
}

} // namespace

ContextState::ContextState(ContextOptions options) : context_(make(options)) {}

// No socket is left: each holds the state.
ContextState::~ContextState() {
  const bool on_hub = grove::detail::this_hub->index != grove::detail::no_hub_index;
  if (context_.handle() == nullptr || !may_park_ || !on_hub)
    return; // ~context_t blocks, if need be
  try {
    const Shield shield;
    term({});
  } catch (...) { // no thread to be had: ~context_t blocks, then
  }
}

::zmq::socket_t ContextState::open_socket(int type) {
  const std::lock_guard lock(mutex_);
  if (context_.handle() == nullptr) {
    errno = ETERM;
    throw ::zmq::error_t();
  }
  return {context_, type};
}

void* ContextState::handle() const noexcept {
  const std::lock_guard lock(mutex_);
  return const_cast<::zmq::context_t&>(context_).handle();
}

void ContextState::shutdown() noexcept {
  const std::lock_guard lock(mutex_);
  context_.shutdown();
}

bool ContextState::term(Deadline deadline) {
  std::shared_ptr<Termination> termination;
  {
    const std::lock_guard lock(mutex_);
    if (termination_ == nullptr) {
      const auto fresh = std::make_shared<Termination>(std::move(context_));
      try {
        std::thread([fresh] { fresh->run(); }).detach();
      } catch (...) {
        context_ = std::move(fresh->context);
        throw;
      }
      termination_ = fresh;
    }
    termination = termination_;
  }

  if (grove::detail::this_hub->index == grove::detail::no_hub_index) {
    std::unique_lock lock(termination->mutex);
    const auto done = [&] { return termination->done; };
    if (deadline.is_never()) {
      termination->condition.wait(lock, done);
      return true;
    }
    const Deadline::Clock::time_point until{std::chrono::nanoseconds(deadline.nanoseconds())};
    return termination->condition.wait_until(lock, until, done);
  }

  const AsyncResult<void> ended;
  const Hub::Attachment attachment = Hub::current().attach(); // so that our wait is no Deadlock
  {
    const std::lock_guard lock(termination->mutex);
    if (termination->done)
      return true;
    termination->to_set.push_back(ended);
  }
  return ended.wait(deadline);
}

} // namespace detail

Context::Context(ContextOptions options)
    : state_(std::make_shared<detail::ContextState>(options)) {}

Context::~Context() = default;

Context& Context::process() {
  struct Process {
    Context context;
    ~Process() { context.state_->block_at_end(); }
  };
  static Process process;
  return process.context;
}

void Context::shutdown() noexcept { state_->shutdown(); }

bool Context::term(Deadline deadline) { return state_->term(deadline); }

void* Context::native_handle() const noexcept { return state_->handle(); }

} // namespace grove::zmq
