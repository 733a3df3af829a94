// SPDX-License-Identifier: MIT
// What the fuzz targets say of what must hold.
#pragma once

#include <cstdlib>

inline void demand(bool holds) {
  if (!holds)
    std::abort();
}
