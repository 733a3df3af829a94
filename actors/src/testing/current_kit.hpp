// SPDX-License-Identifier: MIT
// The seed, for what probes say.
#pragma once

#include <string>

namespace grove::testing {

// " (GROVE_SEED=17)" while this thread has a TestKit, else nothing.
std::string seed_in_use();

} // namespace grove::testing
