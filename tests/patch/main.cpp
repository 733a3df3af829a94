// SPDX-License-Identifier: MIT
// All tests of this program run patched, as patching is for the whole process.
#include <gtest/gtest.h>

#include <grove/patch/patch.hpp>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  grove::patch::all();
  return RUN_ALL_TESTS();
}
