// SPDX-License-Identifier: MIT
// Runs what is measured in memory in a process of its own: a hub keeps what it once took, so that a
// second run in the same one would find its pages warm and its peak counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <type_traits>

namespace bench {

// The bytes that `measure` puts into `result`, in a fresh process of this program that runs the
// benchmark of that name and nothing else. False if that process failed.
bool measure_alone(const std::string& benchmark, void (*measure)(std::byte* result),
                   std::byte* result, std::size_t size);

// What Measure() returns there; nothing if it threw or crashed.
template <auto Measure>
auto in_fresh_process(const std::string& benchmark) {
  using Result = std::invoke_result_t<decltype(Measure)>;
  static_assert(std::is_trivially_copyable_v<Result>);
  union { // for bytes to become a Result without making one first
    Result value;
    std::byte bytes[sizeof(Result)];
  } result;
  const auto measure = [](std::byte* to) { ::new (static_cast<void*>(to)) Result(Measure()); };
  return measure_alone(benchmark, measure, result.bytes, sizeof(Result))
             ? std::optional<Result>(result.value)
             : std::nullopt;
}

// Resident bytes of this process: now, and at their highest.
double resident_bytes();
double peak_resident_bytes();

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace bench
