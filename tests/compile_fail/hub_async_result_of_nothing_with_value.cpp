// expect: no matching (member )?function|constraints not satisfied
// SPDX-License-Identifier: MIT
// A result of nothing is set without a value.
#include <grove/hub/async_result.hpp>

void f(grove::AsyncResult<void>& result) { result.set(1); }
