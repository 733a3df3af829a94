// expect: a worker does its job itself
#include <grove/actors.hpp>

struct Job {};
struct Other : grove::Actor {
  void receive(const Job&) {}
};
struct Idler : grove::Actor {
  grove::Forward<void> receive(const Job& job) { return grove::forward(other, job); }
  grove::ActorRef<Other> other;
};

void use(grove::ActorRef<Idler> idler) { grove::WorkQueue<Job>().add_worker(idler); }
