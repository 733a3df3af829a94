// SPDX-License-Identifier: MIT
// JsonError: JSON that is none, or not what was asked for. Errors as JSON pages.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <grove/http/error.hpp>
#include <grove/http/response.hpp>

namespace grove::http {

// What is wrong, and where: "at /items/3/price: expected a number, found a string". A handler that
// lets it pass is answered for with 400 and, unless ServerOptions::error_page says otherwise, the
// page of json_error_page().
class JsonError final : public Error {
public:
  JsonError(std::string where, const std::string& why)
      : Error(400, text(where, why)), where_(std::move(where)), why_(why) {}
  // A JSON pointer (RFC 6901; empty: the whole), or "line 3, column 14" for what cannot be parsed.
  const std::string& where() const { return where_; }
  const std::string& why() const { return why_; }

private:
  static std::string text(std::string_view where, const std::string& why);
  std::string where_;
  std::string why_;
};

// An error in the form of RFC 9457: {"title":"Not Found","status":404,"detail":"no such user"}, for
// a JsonError with "where". As ServerOptions::error_page it serves all errors of a server.
Response json_error_page(const Error& error);

} // namespace grove::http
