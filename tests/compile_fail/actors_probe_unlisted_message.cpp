// expect: this probe does not list this message
#include <grove/actors/testing.hpp>

struct Ping {};
struct Note {};

void use(grove::testing::Probe<int(Ping)>& probe) { probe.expect<Note>(); }
