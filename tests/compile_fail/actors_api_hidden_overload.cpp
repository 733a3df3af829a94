// expect: is it hidden by an overload in a derived class \(then say `using Base::receive;`\)
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};
struct Louder : Ponger {
  void receive(const Note&) {} // hides Ponger's
};

grove::ActorRef<grove::Api<Pong(Ping)>> use(grove::ActorRef<Louder> ref) { return ref; }
