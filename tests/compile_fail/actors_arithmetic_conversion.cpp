// expect: for exactly this type of message, only one that it converts to
#include <grove/actors.hpp>

struct Adder : grove::Actor {
  double receive(const double& m) { return m; }
};

double use(grove::ActorRef<Adder> ref) { return ref.ask(1); }
