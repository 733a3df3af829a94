// SPDX-License-Identifier: MIT
// All there is of grove::patch under sanitizers.
#include <cstdio>
#include <stdexcept>

#include <grove/patch/patch.hpp>

namespace grove::patch {

void all(const Options&) {
  std::fputs("grove: patch::all() does nothing under sanitizers: calls of C libraries block\n",
             stderr);
}
bool active() { return false; }
std::vector<CallCount> counts() { return {}; }
CallCount count(std::string_view call) {
  throw std::invalid_argument("grove: patch::count(): " + std::string(call) + "() is not patched");
}
std::vector<std::string> faults() { return {}; }

} // namespace grove::patch
