// expect: in an actor class names an Api
#include <grove/actors.hpp>

struct Ponger : grove::Actor {
  using Api = int;
  void receive(const int&) {}
};

void use() { grove::spawn<Ponger>(); }
