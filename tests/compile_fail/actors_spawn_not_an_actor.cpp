// expect: constraints not satisfied|derived_from
#include <grove/actors.hpp>

struct NotAnActor {
  void receive(int) {}
};

void use() { grove::spawn<NotAnActor>(); }
