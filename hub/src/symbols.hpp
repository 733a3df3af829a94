// SPDX-License-Identifier: MIT
// Symbols: the function that an address of this process belongs to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

namespace grove::detail {

// Reads the symbol tables of the program and its libraries from their files, each at most once:
// dladdr() knows only what is exported, which of a program is next to nothing. Allocates; not for
// signal handlers. One thread at a time.
class Symbols {
public:
  Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;
  ~Symbols();

  struct Place {
    std::string function;      // demangled; empty if nothing is known
    std::uintptr_t into = 0;   // bytes from its beginning
    std::string module;        // file name without directories; empty if it belongs to none
    std::uintptr_t offset = 0; // in the module, as addr2line takes it
  };
  // `address` is where a call returns to: the call itself ends one byte before.
  const Place& find(std::uintptr_t address);

private:
  struct Module;
  Place look_up(std::uintptr_t address);

  std::unordered_map<std::uintptr_t, Place> found_;           // stacks resemble each other
  std::map<std::uintptr_t, std::unique_ptr<Module>> modules_; // by load address
};

// "grove::Event::wait(grove::Deadline)". As it is if it is no mangled name, or if the stack that
// this runs on has not the room that taking it apart needs.
std::string demangle(const char* name);

} // namespace grove::detail
