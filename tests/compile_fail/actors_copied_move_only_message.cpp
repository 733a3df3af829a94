// expect: use of deleted function|implicitly deleted
#include <memory>

#include <grove/actors.hpp>

struct Package {
  std::unique_ptr<int> content;
};
struct Taker : grove::Actor {
  void receive(Package) {}
};

void use(grove::ActorRef<Taker> ref, const Package& mine) { ref.tell(mine); }
