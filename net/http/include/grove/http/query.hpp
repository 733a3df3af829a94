// SPDX-License-Identifier: MIT
// Query: names and values of a URL's query, or of a form. Percent-encoding.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grove::http {

// "a%20b" to "a b"; nothing for a '%' without two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);
// Everything but letters, digits and "-._~" (RFC 3986, 2.3).
std::string percent_encode(std::string_view text);

// Query is a list of names and values in their order, which may repeat. A value; any thread, one at
// a time.
class Query {
public:
  Query() = default;
  // "a=1&b=two+words&c" as browsers write it (the URL standard's
  // application/x-www-form-urlencoded): '+' is a blank, a broken '%' stays as it is. At most so
  // many pairs: std::length_error.
  static Query parse(std::string_view text, std::size_t max_pairs = 1000);

  void add(std::string name, std::string value) {
    pairs_.emplace_back(std::move(name), std::move(value));
  }
  std::optional<std::string_view> get(std::string_view name) const; // the first
  std::string_view get(std::string_view name, std::string_view otherwise) const {
    return get(name).value_or(otherwise);
  }
  std::vector<std::string_view> get_all(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).has_value(); }

  std::string to_string() const; // what parse() takes
  auto begin() const { return pairs_.begin(); }
  auto end() const { return pairs_.end(); }
  std::size_t size() const { return pairs_.size(); }
  bool empty() const { return pairs_.empty(); }

private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

} // namespace grove::http
