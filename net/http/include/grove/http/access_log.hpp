// SPDX-License-Identifier: MIT
// AccessRecord: one line of an access log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace grove::http {

// What became of one request. The views hold during the call it is given to.
struct AccessRecord {
  std::chrono::system_clock::time_point time; // when the head was there
  std::chrono::nanoseconds duration;          // until the answer was handed to the kernel
  std::string_view client;                    // Request::client()
  std::string_view method;                    // empty for a head that was refused
  std::string_view target;
  unsigned minor_version;
  unsigned status;
  std::uint64_t body_bytes; // sent
  std::string_view referer;
  std::string_view user_agent;
};

// One line without its end, in the form that other servers' tools read ("combined"); what a client
// could forge lines with is escaped.
std::string common_log_line(const AccessRecord& record);
// The same as one JSON object.
std::string json_log_line(const AccessRecord& record);

} // namespace grove::http
