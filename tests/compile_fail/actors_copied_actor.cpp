// expect: deleted
#include <grove/actors.hpp>

struct Single : grove::Actor {
  void receive(const int&) {}
};

Single use(const Single& one) { return one; }
