// expect: hidden by an overload in a derived class \(then say `using Base::receive;`\)
#include <grove/actors.hpp>

struct Ping {};
struct Extra {};
struct Base : grove::Actor {
  void receive(const Ping&) {}
};
struct Derived : Base {
  void receive(const Extra&) {} // hides Base's
};

void use(grove::ActorRef<Derived> ref) { ref.tell(Ping{}); }
