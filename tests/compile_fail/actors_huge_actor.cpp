// expect: this actor is larger than 64 KiB: hold its large members by pointers
#include <grove/actors.hpp>

struct Huge : grove::Actor {
  void receive(const int&) {}
  char room[65536];
};

void use() { grove::spawn<Huge>(); }
