// expect: actors are aligned to 16 bytes: hold such a member by a pointer
#include <grove/actors.hpp>

struct alignas(64) Wide : grove::Actor {
  void receive(const int&) {}
};

void use() { grove::spawn<Wide>(); }
