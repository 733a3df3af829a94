// SPDX-License-Identifier: MIT
// Prometheus' text format.
#include <grove/http/metrics.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "grammar.hpp"
#include "utf8.hpp"

namespace grove::http {

namespace {

[[noreturn]] void refuse(std::string_view name, const char* why) {
  throw std::invalid_argument("grove: http: the metric '" + std::string(name) + "' " + why);
}

bool is_name(std::string_view text, bool colons) {
  const auto begins = [&](char c) {
    return (detail::lower(c) >= 'a' && detail::lower(c) <= 'z') || c == '_' || (colons && c == ':');
  };
  return !text.empty() && begins(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return begins(c) || detail::is_digit(c); });
}

std::string escaped(std::string_view text, bool quotes) {
  std::string safe;
  for (const char c : text) {
    if (c == '\n') {
      safe += "\\n";
    } else {
      if (c == '\\' || (quotes && c == '"'))
        safe += '\\';
      safe += c;
    }
  }
  return safe;
}

std::string number(double value) {
  if (std::isnan(value))
    return "NaN";
  if (std::isinf(value))
    return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

// "{method=\"GET\"}"; in the order of their names, so that the same are the same.
std::string labels_text(std::string_view metric, Metrics::Labels labels) {
  if (labels.empty())
    return {};
  std::ranges::sort(labels);
  std::string text;
  std::string_view last;
  for (const auto& [name, value] : labels) {
    if (!is_name(name, false) || name.starts_with("__"))
      refuse(metric, "has a label that is none");
    if (name == last)
      refuse(metric, "has a label twice");
    if (!detail::is_utf8(value))
      refuse(metric, "has a label that is not UTF-8");
    last = name;
    text += (text.empty() ? "{" : ",") + name + "=\"" + escaped(value, true) + '"';
  }
  return text + '}';
}

} // namespace

Metrics::Family& Metrics::family(std::string_view name, std::string_view type,
                                 std::string_view help) {
  if (!is_name(name, true) || name.starts_with("__"))
    refuse(name, "has a name that is none");
  auto found = std::ranges::find(families_, name, &Family::name);
  if (found == families_.end()) {
    families_.push_back({std::string(name), std::string(type), std::string(help), {}});
    found = std::prev(families_.end());
  }
  if (found->type != type)
    refuse(name, "is of two kinds");
  return *found;
}

void Metrics::add_sample(Family& family, std::string_view suffix, const Labels& labels,
                         double value) {
  std::string text = std::string(suffix) + labels_text(family.name, labels);
  if (std::ranges::any_of(family.samples, [&](const auto& each) { return each.first == text; }))
    refuse(family.name, "is there twice");
  family.samples.emplace_back(std::move(text), number(value));
}

Metrics& Metrics::add(std::string_view name, std::string_view type, std::string_view help,
                      double value, const Labels& labels) {
  add_sample(family(name, type, help), "", labels, value);
  return *this;
}

Metrics& Metrics::histogram(std::string_view name, std::string_view help, const Histogram& values,
                            const Labels& labels) {
  Family& all = family(name, "histogram", help);
  const auto counts = values.counts_up_to();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    Labels with_bound = labels;
    with_bound.emplace_back("le", i < values.bounds().size() ? number(values.bounds()[i]) : "+Inf");
    add_sample(all, "_bucket", with_bound, static_cast<double>(counts[i]));
  }
  add_sample(all, "_sum", labels, values.sum());
  add_sample(all, "_count", labels, static_cast<double>(counts.back()));
  return *this;
}

Metrics& Metrics::add(const Server::Stats& stats, const Labels& labels) {
  const auto as_double = [](auto count) { return static_cast<double>(count); };
  counter("grove_http_connections_total", "Connections accepted.", as_double(stats.connections),
          labels);
  gauge("grove_http_connections_open", "Connections now.", as_double(stats.open), labels);
  counter("grove_http_requests_total", "Requests that reached the handler.",
          as_double(stats.requests), labels);
  counter("grove_http_bad_requests_total", "Requests that were refused before.",
          as_double(stats.bad_requests), labels);
  counter("grove_http_failures_total", "Handlers and bodies that threw.", as_double(stats.failures),
          labels);
  for (std::size_t first_digit = 1; first_digit < stats.responses.size(); ++first_digit) {
    Labels with_code = labels;
    with_code.emplace_back("code", std::to_string(first_digit) + "xx");
    counter("grove_http_responses_total", "Responses by the first digit of their status.",
            as_double(stats.responses[first_digit]), with_code);
  }
  return counter("grove_http_response_body_bytes_total", "Bytes of bodies sent.",
                 as_double(stats.body_bytes), labels);
}

std::string Metrics::text() const {
  std::string text;
  for (const Family& family : families_) {
    text += "# HELP " + family.name + ' ' + escaped(family.help, false) + '\n';
    text += "# TYPE " + family.name + ' ' + family.type + '\n';
    for (const auto& [labels, value] : family.samples) {
      text += family.name;
      text += labels;
      text += ' ' + value + '\n';
    }
  }
  return text;
}

Response Metrics::response() const {
  return {200, text(), "text/plain; version=0.0.4; charset=utf-8"};
}

} // namespace grove::http
