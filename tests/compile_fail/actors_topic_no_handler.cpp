// expect: this actor has no receive\(\) for this message
#include <grove/actors.hpp>

struct Said {};
struct Deaf : grove::Actor {};

void join(grove::ActorRef<Deaf> deaf) { grove::Topic<Said>("lobby").join(deaf); }
