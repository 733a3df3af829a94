// expect: an answer is a value of the reply's type, or a function of the message that returns one
#include <string>

#include <grove/actors/testing.hpp>

struct Ping {};

void use(grove::testing::Probe<int(Ping)>& probe) { probe.answer<Ping>(std::string("seven")); }
