// SPDX-License-Identifier: MIT
// The least a program can do with an installed grove: one actor, one question; and libc patched.
#include <grove/actors.hpp>
#include <grove/patch/patch.hpp>

struct Ping {
  int n;
};

class Ponger : public grove::Actor {
public:
  int receive(const Ping& p) { return p.n + 1; }
};

int main() {
  grove::patch::all();
  auto p = grove::spawn<Ponger>();
  return p.ask(Ping{41}) == 42 ? 0 : 1;
}
