// expect: use of deleted function|deleted
// SPDX-License-Identifier: MIT
// A Greenlet subclass is the greenlet: it is not copied.
#include <grove/hub/greenlet.hpp>

struct Worker : grove::Greenlet {
  void run() override {}
};
void f(Worker& a) { Worker b(a); }
