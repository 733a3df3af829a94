// SPDX-License-Identifier: MIT
// JSON bodies.
#include <grove/http/json.hpp>

#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include <grove/http/client.hpp>

#include "grammar.hpp"
#include "utf8.hpp"

namespace grove::http {

namespace {

namespace json = boost::json;

std::string place_in(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::ranges::count(before, '\n');
  const auto begin = before.rfind('\n') + 1; // 0 where there is none
  return "line " + std::to_string(line + 1) + ", column " +
         std::to_string(before.size() - begin + 1);
}

const char* kind_of(const json::value& value) {
  switch (value.kind()) {
  case json::kind::null:
    return "null";
  case json::kind::bool_:
    return "true or false";
  case json::kind::int64:
  case json::kind::uint64:
  case json::kind::double_:
    return "a number";
  case json::kind::string:
    return "a string";
  case json::kind::array:
    return "an array";
  case json::kind::object:
    return "an object";
  }
  return "";
}

bool is_json(std::string_view type) {
  type = detail::trimmed(type.substr(0, type.find(';')));
  return equals_ignoring_case(type, "application/json") ||
         (type.size() > 5 && equals_ignoring_case(type.substr(type.size() - 5), "+json"));
}

// Texts of errors may have bytes of anybody's; what is no UTF-8 is taken for Latin-1.
std::string as_utf8(std::string_view text) {
  if (detail::is_utf8(text))
    return std::string(text);
  std::string utf8;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xc0 | byte >> 6);
      utf8 += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return utf8;
}

} // namespace

std::string JsonError::text(std::string_view where, const std::string& why) {
  return where.empty() ? why : "at " + std::string(where) + ": " + why;
}

Response json_error_page(const Error& error) {
  json::object page;
  page["title"] = reason_phrase(error.status());
  page["status"] = error.status();
  if (const auto* wrong = dynamic_cast<const JsonError*>(&error)) {
    page["detail"] = wrong->why();
    page["where"] = wrong->where();
  } else {
    page["detail"] = as_utf8(error.what());
  }
  return Response(error.status(), to_json(page), "application/problem+json");
}

json::value parse_json(std::string_view text, const JsonOptions& options) {
  json::parse_options rules;
  rules.max_depth = options.max_depth;
  json::parser parser({}, rules);
  json::error_code error;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (error)
    throw JsonError(place_in(text, read), "this is no JSON: " + error.message());
  if (read < text.size())
    throw JsonError(place_in(text, read), "something follows the JSON");
  return parser.release();
}

std::string to_json(const json::value& value) { return json::serialize(value); }

json::value read_json(Request& request, const JsonOptions& options) {
  if (!is_json(request.field("Content-Type").value_or("")))
    throw Error(415, "the body is no JSON: its Content-Type is not application/json");
  return parse_json(request.read_all(options.limit), options);
}

json::value read_json(ClientResponse& response, const JsonOptions& options) {
  const std::string text = response.text(options.limit.value_or(1024 * 1024));
  try {
    return parse_json(text, options);
  } catch (const JsonError& error) {
    detail::blame_server(response, error);
  }
}

namespace detail {

void blame_server(const ClientResponse& response, const JsonError& error) {
  throw ClientError(ClientError::Phase::body, response.url() + ": body: " + error.what());
}

std::string JsonPath::pointer() const {
  if (outer == nullptr)
    return {};
  std::string text = outer->pointer() + '/';
  if (index)
    return text += std::to_string(*index);
  for (const char c : name) {
    if (c == '~')
      text += "~0";
    else if (c == '/')
      text += "~1";
    else
      text += c;
  }
  return text;
}

void refuse(const JsonPath& path, const std::string& why) { throw JsonError(path.pointer(), why); }

void refuse_kind(const JsonPath& path, const char* wanted, const json::value& found) {
  refuse(path, std::string("expected ") + wanted + ", found " + kind_of(found));
}

} // namespace detail
} // namespace grove::http
