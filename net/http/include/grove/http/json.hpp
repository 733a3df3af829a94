// SPDX-License-Identifier: MIT
// JSON bodies, by Boost.JSON. Programs that include this link Boost::json, as grove::http does.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>

#include <grove/http/detail/json_walk.hpp>
#include <grove/http/json_error.hpp>
#include <grove/http/json_options.hpp>
#include <grove/http/request.hpp>
#include <grove/http/response.hpp>

namespace grove::http {

class ClientResponse;

// A struct is told to JSON by Boost.Describe:
//
//     struct Item { std::string name; double price; std::optional<std::string> note; };
//     BOOST_DESCRIBE_STRUCT(Item, (), (name, price, note))
//
//     router.post("/items", [](Request& request) {
//       const auto item = read_json<Item>(request);
//       return json_response(item, 201);
//     });
//
// T is a boost::json::value, bool, a number, std::string, std::optional (absent or null: nothing),
// an enum of BOOST_DESCRIBE_ENUM (by its name), a sequence or a map from strings of these, a
// described struct of these, or what boost::json::value_to() knows. All members but the optional
// ones must be there; no others may, unless JsonOptions allow them.

// The value of a JSON text (RFC 8259, nothing beside it; UTF-8). The last of several members with
// one name counts. JsonError.
boost::json::value parse_json(std::string_view text, const JsonOptions& options = {});

// A value as T. Numbers are not rounded: 1.5 is no int, nor is what is out of range. JsonError.
template <class T>
T from_json(const boost::json::value& value, const JsonOptions& options = {}) {
  return detail::from_json<T>(value, {}, options);
}

// The body of a request, read to its end. Error 415 if Content-Type is neither application/json nor
// one that ends in "+json", 413 for one beyond the limit; JsonError; what Request::read() throws.
boost::json::value read_json(Request& request, const JsonOptions& options = {});
template <class T>
T read_json(Request& request, const JsonOptions& options = {}) {
  return from_json<T>(read_json(request, options), options);
}

// The body of a server's answer, whatever its status and type. ClientError, also for what JsonError
// stands for above: then it is not our client who is to blame.
boost::json::value read_json(ClientResponse& response, const JsonOptions& options = {});
template <class T>
T read_json(ClientResponse& response, const JsonOptions& options = {}) {
  const boost::json::value value = read_json(response, options);
  try {
    return from_json<T>(value, options);
  } catch (const JsonError& error) {
    detail::blame_server(response, error);
  }
}

// A value, a described struct or what else boost::json::value_from() takes, as text.
std::string to_json(const boost::json::value& value);
template <class T>
std::string to_json(const T& value) {
  return to_json(boost::json::value_from(value));
}

// The same, as a response.
inline Response json_response(const boost::json::value& value, unsigned status = 200) {
  return Response(status, to_json(value), "application/json");
}
template <class T>
Response json_response(const T& value, unsigned status = 200) {
  return json_response(boost::json::value_from(value), status);
}

} // namespace grove::http
