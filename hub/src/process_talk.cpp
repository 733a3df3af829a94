// SPDX-License-Identifier: MIT
// Talking to a child: all its pipes at once, in one greenlet.
#include <grove/hub/process.hpp>

#include <cerrno>
#include <system_error>

#include <grove/hub/detail/watch.hpp>

#include "process_state.hpp"

namespace grove {

namespace {

constexpr std::size_t block_size = 64 * 1024;

// Writes what there is room for. False if that was nothing.
bool feed(Process::State& state) {
  bool progress = false;
  try {
    const std::string_view rest = std::string_view(state.input).substr(state.written);
    if (const auto n = state.in->try_write(rest)) {
      state.written += *n;
      progress = true;
    }
  } catch (const std::system_error& e) {
    if (e.code().value() != EPIPE)
      throw;
    state.written = state.input.size(); // it does not want the rest
  }
  if (state.written == state.input.size()) {
    state.in->close();
    progress = true;
  }
  return progress;
}

// Reads a block, if one is there; at the end it closes the pipe. False if nothing has come.
bool drink(PipeReader& from, std::string& to) {
  const std::size_t had = to.size();
  to.resize(had + block_size);
  std::optional<std::size_t> n;
  try {
    n = from.try_read({to.data() + had, block_size});
  } catch (...) {
    to.resize(had);
    throw;
  }
  to.resize(had + n.value_or(0));
  if (n == 0)
    from.close();
  return n.has_value();
}

bool is_open(const auto& end) { return end && end->is_open(); }

// Watches one descriptor for one waiter.
struct Ready {
  detail::Watch watch;
  Ready(int fd, unsigned interest, detail::Waiter& waiter)
      : watch(fd, interest, [](detail::Watch& w, unsigned) noexcept {
          auto* first = static_cast<detail::Waiter*>(w.owner);
          w.stop();
          if ((first->who->flags & detail::flag::parked) == 0)
            return;
          first->granted = true;
          detail::wake(first->who);
        }) {
    watch.owner = &waiter;
    watch.start();
  }
};

// Until one of the pipes has something to do. False if the deadline came first.
bool await_pipes(Process::State& state, Deadline deadline) {
  detail::Waiter waiter;
  state.talkers.push_back(waiter);
  std::optional<Ready> in;
  std::optional<Ready> out;
  std::optional<Ready> err;
  if (is_open(state.in))
    in.emplace(state.in->descriptor(), detail::writable, waiter);
  if (is_open(state.out))
    out.emplace(state.out->descriptor(), detail::readable, waiter);
  if (is_open(state.err))
    err.emplace(state.err->descriptor(), detail::readable, waiter);
  return detail::park_until("Process.communicate", deadline) == detail::Wake::ready;
}

[[noreturn]] void throw_timeout(const Process::State& state) {
  throw ProcessTimeout("Process.communicate: '" + state.name + "' has not ended in time",
                       state.output, state.error_output);
}

// One round of all pipes; false when they are all closed.
bool talk(Process::State& state, Deadline deadline) {
  bool progress = false;
  if (is_open(state.in))
    progress |= feed(state);
  if (is_open(state.out))
    progress |= drink(*state.out, state.output);
  if (is_open(state.err))
    progress |= drink(*state.err, state.error_output);
  if (!is_open(state.in) && !is_open(state.out) && !is_open(state.err))
    return false;
  if (progress) {
    if (deadline.has_passed())
      throw_timeout(state);
    detail::yield_now();
  } else if (!await_pipes(state, deadline)) {
    throw_timeout(state);
  }
  if (state.gone)
    throw Closed("Process.communicate: the object was destroyed");
  return true;
}

} // namespace

ProcessOutput Process::communicate(std::string_view input, Deadline deadline) {
  State& state = checked("Process.communicate");
  const std::shared_ptr<State> kept = state_;
  detail::check_interrupts();
  if (!input.empty() && state.talking)
    throw std::logic_error("grove: Process.communicate: the input was given in an earlier call");
  if (!input.empty() && !is_open(state.in))
    throw std::logic_error("grove: Process.communicate: input for '" + state.name +
                           "', whose stdin is no pipe: start it with .in = Stdio::pipe()");
  if (!state.talking) {
    state.input = input;
    state.talking = true;
  }
  while (talk(state, deadline)) {
  }
  const ExitStatus status = wait(deadline);
  return {std::exchange(state.output, {}), std::exchange(state.error_output, {}), status};
}

std::vector<std::string> shell(std::string command_line) {
  return {"/bin/sh", "-c", std::move(command_line)};
}

ProcessOutput run(const std::vector<std::string>& argv, ProcessOptions options,
                  std::string_view input, Deadline deadline) {
  if (!input.empty()) {
    if (options.in != Stdio::inherit() && options.in != Stdio::pipe())
      throw std::invalid_argument("grove: run: both input and options.in were given");
    options.in = Stdio::pipe();
  }
  Process child(argv, options);
  return child.communicate(input, deadline);
}

std::string check_output(const std::vector<std::string>& argv, ProcessOptions options,
                         std::string_view input, Deadline deadline) {
  if (options.out != Stdio::inherit() && options.out != Stdio::pipe())
    throw std::invalid_argument("grove: check_output: options.out was given; it is a pipe");
  options.out = Stdio::pipe();
  const std::string name = argv.empty() ? std::string() : argv.front();
  ProcessOutput ended = run(argv, std::move(options), input, deadline);
  if (!ended.status.success())
    throw ProcessError("grove: '" + name + "' ended with " + to_string(ended.status), ended);
  return std::move(ended.out);
}

} // namespace grove
