// expect: constraints not satisfied|constructible_from
#include <grove/actors.hpp>

struct Named : grove::Actor {
  explicit Named(int n) : number(n) {}
  int number;
};

void use() { grove::spawn<Named>("not a number"); }
