// expect: take<M>\(\) gives a value
#include <grove/actors.hpp>

struct Logger : grove::Actor {
  void receive(grove::Message& m) { m.take<const int&>(); }
};

void use() { grove::spawn<Logger>(); }
