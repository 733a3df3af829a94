// SPDX-License-Identifier: MIT
// What a connection tells of its requests: counters, the access log, errors.
#include "connection.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/log.hpp>

#include "answer.hpp"
#include "grammar.hpp"

namespace grove::http::detail {

// To the hub's error hook, with what was asked for; the error itself is nested in it.
void Connection::report(const char* who, const std::exception_ptr& error) {
  ++service_.stats.failures;
  std::string text = "http: " + work_->head.method + " " + work_->head.target + ": " + who +
                     " threw " + describe(error);
  std::replace_if(text.begin(), text.end(), is_control, '?');
  try {
    try {
      std::rethrow_exception(error);
    } catch (...) {
      std::throw_with_nested(std::runtime_error(text));
    }
  } catch (...) {
    grove::detail::report_unhandled(grove::detail::here().current, std::current_exception());
  }
}

// A response was sent, or as much of it as could be.
void Connection::done(const Answer& answer, const Request* request, unsigned status) {
  auto& responses = service_.stats.responses;
  ++responses[std::min<std::size_t>(status / 100, responses.size() - 1)];
  service_.stats.body_bytes += answer.sent();
  if (answer.failure() != nullptr && !broken_ && !body_fault_) // else it passed on the client's
    report("the body", answer.failure());
  if (service_.options.access_log == nullptr)
    return;
  AccessRecord record{};
  record.time = began_;
  record.duration = now() - began_steady_;
  record.client = client_;
  record.status = status;
  record.body_bytes = answer.sent();
  if (request != nullptr) {
    record.client = request->client();
    record.method = request->method();
    record.target = request->target();
    record.minor_version = work_->head.minor_version;
    record.referer = work_->head.fields.get("Referer", "");
    record.user_agent = work_->head.fields.get("User-Agent", "");
  }
  try {
    service_.options.access_log(record);
  } catch (const std::exception& e) {
    grove::detail::log(LogLevel::error, std::string("http: the access log threw ") + e.what());
  }
}

} // namespace grove::http::detail
