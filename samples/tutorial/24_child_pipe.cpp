// SPDX-License-Identifier: MIT
// MessagePipe: messages to a forked child, and its answers.
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/core.h>

#include <functional>

#include <grove/hub.hpp>

namespace {

// The child's part: answers until the parent closes its end.
void relay(grove::MessagePipe& parent) {
  int count = 0;
  while (const auto message = parent.receive())
    parent.send(fmt::format("{} in {}", *message, count++));
}

void put_msg(grove::MessagePipe& child) {
  for (int i = 0; i < 5; ++i)
    child.send("hi");
}

void get_msg(grove::MessagePipe& child) {
  for (int i = 0; i < 5; ++i)
    fmt::print("{}\n", child.receive().value());
}

} // namespace

int main() {
  auto [here, there] = grove::MessagePipe::pair();

  const pid_t child = fork();
  if (child == 0) {
    here.close();
    relay(there);
    return 0;
  }
  there.close();

  grove::join_all({
      grove::spawn(get_msg, std::ref(here)),
      grove::spawn(put_msg, std::ref(here)),
  });
  here.close();
  waitpid(child, nullptr, 0);
}
