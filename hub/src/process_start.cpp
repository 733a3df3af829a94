// SPDX-License-Identifier: MIT
// posix_spawn, with what a child shall have and nothing else.
#include "process_start.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

namespace grove {

namespace {

[[noreturn]] void throw_error(int error, const std::string& what) {
  throw std::system_error(error, std::system_category(), "grove: " + what);
}
[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("grove: Process: " + what);
}

// A descriptor that is closed at the end of the scope.
class Held {
public:
  explicit Held(int fd) : fd_(fd) {}
  Held(Held&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Held& operator=(Held&&) = delete;
  ~Held() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

private:
  int fd_;
};

struct Actions {
  posix_spawn_file_actions_t list;
  Actions() { posix_spawn_file_actions_init(&list); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { posix_spawn_file_actions_destroy(&list); }
  static void check(int error) {
    if (error != 0)
      throw_error(error, "what the child shall do with its descriptors");
  }
};

struct Attributes {
  posix_spawnattr_t list;
  Attributes() { posix_spawnattr_init(&list); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { posix_spawnattr_destroy(&list); }
};

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

void check(const std::vector<std::string>& argv, const ProcessOptions& options) {
  if (argv.empty() || argv.front().empty())
    refuse("there is no program to start");
  for (const std::string& argument : argv) {
    if (has_nul(argument))
      refuse("an argument contains a NUL");
  }
  if (has_nul(options.cwd))
    refuse("the working directory contains a NUL");
  for (const auto& [name, value] : options.env) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) ||
        (value && has_nul(*value)))
      refuse("\"" + name + "\" cannot be set in an environment");
  }
  if (options.in == Stdio::to_stdout() || options.out == Stdio::to_stdout())
    refuse("only stderr can go where stdout goes");
  for (const int fd : options.pass) {
    if (fd >= 0 && fd <= 2)
      refuse("descriptor " + std::to_string(fd) + " is passed by in, out or err");
    if (fcntl(fd, F_GETFD) < 0)
      throw_error(errno, "Process: pass descriptor " + std::to_string(fd));
  }
}

// envp for the child; it points into `strings`.
std::vector<char*> environment(const ProcessOptions& options, std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (char** at = environ; options.inherit_env && at != nullptr && *at != nullptr; ++at) {
    const std::string_view entry(*at);
    if (!options.env.contains(std::string(entry.substr(0, entry.find('=')))))
      result.push_back(*at);
  }
  strings.reserve(options.env.size());
  for (const auto& [name, value] : options.env) {
    if (value)
      result.push_back(strings.emplace_back(name + "=" + *value).data());
  }
  result.push_back(nullptr);
  return result;
}

// Programs do not expect EAGAIN.
void make_blocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) != 0)
    fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

} // namespace

struct ProcessStart::Plan {
  Actions actions;
  std::vector<Held> held; // the child's ends, until it has them
};

// The descriptor that becomes the child's `target`, and is none of 0 to 2 unless it is that one.
int ProcessStart::source_of(Plan& plan, Stdio stream, int target) {
  int fd = -1;
  switch (stream.kind_) {
  case Stdio::Kind::inherit:
  case Stdio::Kind::to_stdout:
    return target;
  case Stdio::Kind::null:
    fd = plan.held.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC)).fd();
    if (fd < 0)
      throw_error(errno, "open /dev/null");
    break;
  case Stdio::Kind::descriptor:
    fd = stream.fd_;
    if (fcntl(fd, F_GETFD) < 0)
      throw_error(errno, "Process: descriptor " + std::to_string(fd) + " as a standard stream");
    make_blocking(fd);
    break;
  case Stdio::Kind::pipe:
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
      throw_error(errno, "pipe");
    Held ours(ends[target == 0 ? 1 : 0]);
    fd = plan.held.emplace_back(ends[target == 0 ? 0 : 1]).fd();
    if (target == 0)
      in.emplace(ours.fd());
    else
      (target == 1 ? out : err).emplace(ours.fd());
    ours.release();
    break;
  }
  if (fd <= 2 && fd != target) { // or it is overwritten before it is its turn
    fd = plan.held.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 3)).fd();
    if (fd < 0)
      throw_error(errno, "Process: a second descriptor for a standard stream");
  }
  return fd;
}

ProcessStart::ProcessStart(const std::vector<std::string>& argv, const ProcessOptions& options) {
  check(argv, options);
  Plan plan;
  plan.held.reserve(6); // to take a descriptor must not fail
  auto* const actions = &plan.actions.list;

  // dup2 of a descriptor onto itself makes it survive the exec.
  const Stdio streams[] = {options.in, options.out, options.err};
  int sources[3];
  for (int target = 0; target < 3; ++target)
    sources[target] = source_of(plan, streams[target], target);
  for (int target = 0; target < 3; ++target) {
    if (streams[target] != Stdio::inherit()) {
      const int from = streams[target] == Stdio::to_stdout() ? 1 : sources[target];
      Actions::check(posix_spawn_file_actions_adddup2(actions, from, target));
    }
  }
  std::vector<int> pass = options.pass;
  std::sort(pass.begin(), pass.end());
  pass.erase(std::unique(pass.begin(), pass.end()), pass.end());
  int next = 3;
  for (const int fd : pass) {
    for (; next < fd; ++next)
      Actions::check(posix_spawn_file_actions_addclose(actions, next));
    Actions::check(posix_spawn_file_actions_adddup2(actions, fd, fd));
    next = fd + 1;
  }
  Actions::check(posix_spawn_file_actions_addclosefrom_np(actions, next));
  if (!options.cwd.empty())
    Actions::check(posix_spawn_file_actions_addchdir_np(actions, options.cwd.c_str()));

  Attributes attributes;
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  sigset_t set;
  sigemptyset(&set);
  posix_spawnattr_setsigmask(&attributes.list, &set);
  sigaddset(&set, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes.list, &set);
  if (options.new_session)
    flags = static_cast<short>(flags | POSIX_SPAWN_SETSID);
  else if (options.new_group)
    flags = static_cast<short>(flags | POSIX_SPAWN_SETPGROUP); // 0: its own
  posix_spawnattr_setflags(&attributes.list, flags);

  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& argument : argv)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::vector<std::string> strings;
  std::vector<char*> variables;
  char** envp = environ;
  if (!options.env.empty() || !options.inherit_env) {
    variables = environment(options, strings);
    envp = variables.data();
  }

  const int error =
      posix_spawnp(&pid, arguments[0], actions, &attributes.list, arguments.data(), envp);
  if (error == 0)
    return;
  struct stat directory {};
  if (!options.cwd.empty() &&
      (stat(options.cwd.c_str(), &directory) != 0 || !S_ISDIR(directory.st_mode)))
    throw_error(error, "start '" + argv.front() + "' in directory '" + options.cwd + "'");
  throw_error(error, "start '" + argv.front() + "'");
}

} // namespace grove
