// SPDX-License-Identifier: MIT
// What nobody caught: into words, and to the hook or the log, at a bearable rate.
#include <grove/hub/detail/report.hpp>

#include <cxxabi.h>
#include <exception>
#include <string>
#include <typeinfo>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/log.hpp>

#include "hub_impl.hpp"
#include "rate_limit.hpp"
#include "symbols.hpp"

namespace grove {

std::string describe(const std::exception_ptr& error) {
  if (error == nullptr)
    return "nothing";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return detail::demangle(typeid(e).name()) + ": " + e.what();
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type != nullptr ? detail::demangle(type->name()) : "an exception of unknown type";
  }
}

namespace detail {

bool RateLimit::admit(const std::string& text, std::int64_t now) {
  auto at = windows_.find(text);
  if (at == windows_.end()) {
    if (windows_.size() == most_kinds)
      return true;
    at = windows_.emplace(text, Window{now, 0}).first;
  }
  return ++at->second.seen <= most;
}

std::vector<RateLimit::Omitted> RateLimit::take_omitted(std::int64_t now, bool all) {
  std::vector<Omitted> omitted;
  for (auto at = windows_.begin(); at != windows_.end();) {
    const Window& present = at->second;
    if (!all && now - present.begin < window) {
      ++at;
      continue;
    }
    if (present.seen > most)
      omitted.push_back({at->first, present.seen - most});
    at = windows_.erase(at);
  }
  return omitted;
}

void HubImpl::report_omitted(bool all) {
  for (const auto& [what, count] : reports.take_omitted(now_nanoseconds(), all))
    log(LogLevel::error, "... and " + std::to_string(count) + " more like it: " + what);
}

void report_unhandled(Identity* identity, const std::exception_ptr& error) noexcept {
  try {
    HubImpl& hub = HubImpl::here();
    ++hub.counters.errors;
    const std::string name = name_of(identity);
    const std::string what = describe(error);
    if (hub.error_hook) {
      hub.error_hook({name, error, what});
      return;
    }
    hub.report_omitted(false);
    if (hub.reports.admit(what, now_nanoseconds()))
      log(LogLevel::error, name + " ended with " + what);
  } catch (...) {
    log(LogLevel::error, "an exception could not be reported");
  }
}

} // namespace detail
} // namespace grove
