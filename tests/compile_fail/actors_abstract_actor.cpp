// expect: constraints not satisfied|constructible_from
#include <grove/actors.hpp>

struct Abstract : grove::Actor {
  virtual void receive(const int&) = 0;
};

void use() { grove::spawn<Abstract>(); }
