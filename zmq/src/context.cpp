// SPDX-License-Identifier: MIT
// Contexts, and how they end without blocking a hub.
#include <grove/zmq/context.hpp>

#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/detail/hub_state.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/log.hpp>
#include <grove/hub/timeout.hpp>

#include "context_state.hpp"
#include "fail.hpp"

namespace grove::zmq {
namespace detail {

// The way of one zmq_ctx_term(). The thread that runs it holds it too: the waiting may end early.
struct ContextState::Termination {
  void* const context;
  std::mutex mutex;
  std::condition_variable condition;   // for threads without a hub
  std::list<AsyncResult<void>> to_set; // for hubs
  bool done = false;

  explicit Termination(void* c) : context(c) {}
  void run() noexcept;
};

namespace {

void terminate(void* context) noexcept {
  while (zmq_ctx_term(context) != 0 && zmq_errno() == EINTR) {
  }
}

bool on_hub() { return grove::detail::this_hub->index != grove::detail::no_hub_index; }

void* make(const ContextOptions& options) {
  void* const context = zmq_ctx_new();
  if (context != nullptr && zmq_ctx_set(context, ZMQ_IO_THREADS, options.io_threads) == 0 &&
      zmq_ctx_set(context, ZMQ_MAX_SOCKETS, options.max_sockets) == 0) {
    return context;
  }
  const int error = zmq_errno();
  if (context != nullptr)
    terminate(context);
  fail(error, "make a zmq context (io_threads " + std::to_string(options.io_threads) +
                  ", max_sockets " + std::to_string(options.max_sockets) + ")");
}

// "zmq: still open: PULL tcp://127.0.0.1:5555 of hub 0, PUSH of hub 1".
void log_open(const char* when, const std::vector<OpenSocket>& open) {
  std::string text = std::string("zmq: ") + when;
  const char* separator = ", still open: ";
  for (const OpenSocket& socket : open) {
    text += std::exchange(separator, ", ");
    text += name_of(socket.type);
    for (const std::string& endpoint : socket.endpoints)
      text += " " + endpoint;
    text += " of hub " + std::to_string(socket.hub);
  }
  if (open.empty())
    text += ", no socket is open, what was sent lingers";
  grove::detail::log(LogLevel::warning, text);
}

} // namespace

void ContextState::Termination::run() noexcept {
  terminate(context);
  std::list<AsyncResult<void>> waiting;
  {
    const std::lock_guard lock(mutex);
    done = true;
    waiting.swap(to_set);
  }
  condition.notify_all();
  for (const auto& ended : waiting)
    ended.set();
}

ContextState::ContextState(ContextOptions options) : context_(make(options)) {}

// No socket is left: each holds the state.
ContextState::~ContextState() {
  if (of_the_parent() || context_ == nullptr)
    return;
  if (may_park_ && on_hub()) {
    try {
      const Shield shield;
      term({});
    } catch (...) { // no thread to be had
    }
  }
  if (context_ != nullptr)
    terminate(context_);
}

// -- sockets -----------------------------------------------------------------------------------

void* ContextState::open_socket(SocketType type, Entry& entry) {
  if (of_the_parent())
    throw_of_the_parent("zmq::Socket");
  std::list<OpenSocket> fresh;
  fresh.push_back({type, {}, grove::detail::here().index});
  const std::lock_guard lock(mutex_);
  if (context_ == nullptr) {
    errno = ETERM;
    return nullptr;
  }
  void* const handle = zmq_socket(context_, static_cast<int>(type));
  if (handle != nullptr) {
    entry = fresh.begin();
    open_.splice(open_.end(), fresh);
  }
  return handle;
}

void ContextState::close_socket(Entry entry) noexcept {
  const std::lock_guard lock(mutex_);
  open_.erase(entry);
}

void ContextState::add_endpoint(Entry entry, const std::string& endpoint) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    entry->endpoints.push_back(endpoint);
  } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): see there
  }
}

void ContextState::remove_endpoint(Entry entry, const std::string& endpoint) noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find(entry->endpoints, endpoint);
  if (at != entry->endpoints.end())
    entry->endpoints.erase(at);
}

std::vector<OpenSocket> ContextState::open_sockets() const {
  if (of_the_parent())
    throw_of_the_parent("zmq::Context.open_sockets");
  const std::lock_guard lock(mutex_);
  return {open_.begin(), open_.end()};
}

// -- the end -----------------------------------------------------------------------------------

void* ContextState::handle() const noexcept {
  if (of_the_parent())
    return nullptr;
  const std::lock_guard lock(mutex_);
  return context_;
}

void ContextState::shutdown() noexcept {
  if (of_the_parent())
    return;
  const std::lock_guard lock(mutex_);
  if (context_ != nullptr) {
    zmq_ctx_shutdown(context_);
    shut_down_.store(true, std::memory_order_relaxed);
  }
}

void ContextState::prepare_for_exit() noexcept {
  may_park_ = false;
  try {
    if (const std::vector<OpenSocket> open = open_sockets(); !open.empty())
      log_open("the process ends", open);
  } catch (...) { // no memory for a message that nobody may read
  }
}

bool ContextState::term(Deadline deadline) {
  if (of_the_parent())
    throw_of_the_parent("zmq::Context.term");
  std::shared_ptr<Termination> termination;
  {
    const std::lock_guard lock(mutex_);
    if (termination_ == nullptr) {
      const auto fresh = std::make_shared<Termination>(context_);
      zmq_ctx_shutdown(context_); // here: the other thread may begin after our time is over
      shut_down_.store(true, std::memory_order_relaxed);
      std::thread([fresh] { fresh->run(); }).detach();
      context_ = nullptr;
      termination_ = fresh;
    }
    termination = termination_;
  }

  bool ended = false;
  if (!on_hub()) {
    std::unique_lock lock(termination->mutex);
    const auto done = [&] { return termination->done; };
    if (deadline.is_never()) {
      termination->condition.wait(lock, done);
      return true;
    }
    const Deadline::Clock::time_point until{std::chrono::nanoseconds(deadline.nanoseconds())};
    ended = termination->condition.wait_until(lock, until, done);
  } else {
    const Hub::Attachment attachment = Hub::current().attach(); // so that our wait is no Deadlock
    struct Waiting {
      Termination& termination;
      const AsyncResult<void> end;
      std::list<AsyncResult<void>>::iterator at;
      bool listed = false;
      explicit Waiting(Termination& t) : termination(t) {
        const std::lock_guard lock(termination.mutex);
        if (termination.done)
          return;
        at = termination.to_set.insert(termination.to_set.end(), end);
        listed = true;
      }
      ~Waiting() {
        const std::lock_guard lock(termination.mutex);
        if (listed && !termination.done)
          termination.to_set.erase(at);
      }
    } waiting(*termination);
    ended = !waiting.listed || waiting.end.wait(deadline);
  }
  if (!ended)
    log_open("Context.term ran out of time", open_sockets());
  return ended;
}

} // namespace detail

// -- Context -----------------------------------------------------------------------------------

Context::Context(ContextOptions options) {
  detail::watch_for_forks();
  state_ = std::make_shared<detail::ContextState>(options);
}

Context::~Context() = default;

namespace {
constinit Context* process_context = nullptr; // under process_mutex
}

Context& Context::process() {
  const std::lock_guard lock(detail::process_mutex);
  // The parent's is left alone.
  if (process_context == nullptr || process_context->state_->of_the_parent())
    process_context = new Context;
  struct AtExit {
    ~AtExit() {
      if (process_context->state_->of_the_parent())
        return;
      process_context->state_->prepare_for_exit();
      delete process_context;
    }
  };
  static const AtExit at_exit;
  return *process_context;
}

void Context::shutdown() noexcept { state_->shutdown(); }

bool Context::term(Deadline deadline) { return state_->term(deadline); }

std::vector<OpenSocket> Context::open_sockets() const { return state_->open_sockets(); }

void* Context::native_handle() const noexcept { return state_->handle(); }

} // namespace grove::zmq
