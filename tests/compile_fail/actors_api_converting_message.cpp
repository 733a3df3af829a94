// expect: no receive\(\) for exactly a message that the Api lists, only one that it converts to
#include <grove/actors.hpp>

struct Adder : grove::Actor {
  double receive(const double& m) { return m; }
};

grove::ActorRef<grove::Api<double(int)>> use(grove::ActorRef<Adder> ref) { return ref; }
