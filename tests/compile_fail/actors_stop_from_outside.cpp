// expect: protected
#include <grove/actors.hpp>

struct Ponger : grove::Actor {
  void receive(const int&) {}
};

void use(Ponger& ponger) { ponger.stop(); } // others stop it by its ActorRef
