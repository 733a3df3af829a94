// expect: constraints not satisfied|derived_from
#include <grove/actors.hpp>

class Secretive : grove::Actor { // privately: class, not struct
public:
  void receive(int) {}
};

void use() { grove::spawn<Secretive>(); }
