// expect: is it hidden by an overload in a derived class \(then say `using Base::receive;`\)
#include <grove/actors.hpp>

struct Ping {};
struct Note {};
struct Ponger : grove::Actor {
  using Api = grove::Api<void(Ping)>;
  void receive(const Ping&) {}
};
struct Louder : Ponger {
  void receive(const Note&) {} // hides Ponger's
};

void use() { grove::spawn<Louder>(); } // found though nobody sends a Ping
