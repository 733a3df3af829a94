// SPDX-License-Identifier: MIT
// Pipes to and from a forked child, read and written by greenlets.
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/core.h>

#include <grove/hub.hpp>

namespace {

// What the child does.
void relay(grove::PipeReader& in, grove::PipeWriter& out) {
  for (int i = 0; i < 5; ++i)
    out.write_all(fmt::format("{} in {}\n", in.read_exactly(2), i));
}

} // namespace

int main() {
  grove::Pipe to_child;
  grove::Pipe from_child;

  const pid_t child = fork();
  if (child == 0) {
    relay(to_child.reader, from_child.writer);
    return 0;
  }

  const auto put_msg = [&] {
    for (int i = 0; i < 5; ++i)
      to_child.writer.write_all("hi");
  };
  const auto get_msg = [&] {
    for (int i = 0; i < 5; ++i)
      fmt::print("{}", from_child.reader.read_exactly(8));
  };

  grove::join_all({
      grove::spawn(get_msg),
      grove::spawn(put_msg),
  });
  waitpid(child, nullptr, 0);
}
