// SPDX-License-Identifier: MIT
// What the two generations of name lookups share.
#pragma once

namespace grove::patch {

// "127.0.0.1", "::1": nobody need be asked.
bool is_address(const char* name);

} // namespace grove::patch
