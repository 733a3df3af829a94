// SPDX-License-Identifier: MIT
// msgpack-cxx, set up the same way wherever it is used.
#pragma once

// The library's parser reserves room for this many levels in each run. We run it for one token at
// a time and stop it before it nests, so that would be an allocation a token.
#define MSGPACK_EMBED_STACK_SIZE 0
#include <msgpack.hpp>
