// expect: no matching (member )?function|constraints not satisfied
// SPDX-License-Identifier: MIT
// A result of some type is set with a value.
#include <grove/hub/async_result.hpp>

void f(grove::AsyncResult<int>& result) { result.set(); }
