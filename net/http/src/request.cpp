// SPDX-License-Identifier: MIT
// Requests.
#include <grove/http/request.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

#include <grove/http/cookie.hpp>
#include <grove/http/error.hpp>

#include "grammar.hpp"

namespace grove::http {

namespace {

class BodyInMemory final : public detail::BodySource {
public:
  explicit BodyInMemory(std::string text) : text_(std::move(text)) {}
  std::size_t read_body(std::span<char> into) override {
    const std::size_t size = std::min(into.size(), text_.size() - at_);
    std::copy_n(text_.data() + at_, size, into.data());
    at_ += size;
    return size;
  }

private:
  std::string text_;
  std::size_t at_ = 0;
};

} // namespace

Request Request::make(std::string method, std::string target, std::string body, Fields fields) {
  Request request;
  request.own_head_ = std::make_unique<RequestHead>();
  request.head_ = request.own_head_.get();
  request.head_->method = std::move(method);
  request.head_->target = std::move(target);
  request.head_->fields = std::move(fields);
  request.head_->content_length = body.size();
  request.own_body_ = std::make_unique<BodyInMemory>(std::move(body));
  request.body_ = request.own_body_.get();
  static const net::Address nobody;
  static const std::string no_name;
  request.peer_ = &nobody;
  request.client_ = &no_name;
  request.split_target();
  return request;
}

void Request::split_target() {
  std::string_view target = head_->target;
  authority_ = {};
  if (head_->method == "CONNECT") {
    authority_ = target;
    target = "/";
  } else if (const auto scheme = target.find("://");
             scheme != std::string_view::npos && !target.starts_with('/')) {
    target.remove_prefix(scheme + 3);
    const auto end = std::min(target.find_first_of("/?"), target.size());
    authority_ = target.substr(0, end);
    target.remove_prefix(end);
  }
  const auto question = std::min(target.find('?'), target.size());
  path_ = target.substr(0, question);
  if (path_.empty())
    path_ = "/";
  query_text_ = target.substr(std::min(question + 1, target.size()));
  rest_ = path_;
}

const Query& Request::query() const {
  if (!query_) {
    try {
      query_ = Query::parse(query_text_);
    } catch (const std::length_error& e) {
      throw Error(400, e.what());
    }
  }
  return *query_;
}

std::optional<std::string_view> Request::cookie(std::string_view name) const {
  for (const auto field : head_->fields) { // several: HTTP/2 gateways split them
    if (!equals_ignoring_case(field.name, "Cookie"))
      continue;
    if (const auto value = cookie_value(field.value, name))
      return value;
  }
  return std::nullopt;
}

std::string_view Request::host() const {
  return authority_.empty() ? head_->fields.get("Host", "") : authority_;
}

std::size_t Request::read(std::span<char> into) {
  return into.empty() ? 0 : body_->read_body(into);
}

std::string Request::read_all(std::optional<std::size_t> at_most) {
  constexpr std::size_t otherwise = 1024 * 1024;
  const std::size_t limit = at_most.value_or(body_limit_.value_or(otherwise));
  std::string text;
  if (const auto length = head_->content_length) {
    if (*length > limit)
      throw Error(413, "the body is longer than " + std::to_string(limit) + " bytes");
    text.reserve(static_cast<std::size_t>(*length));
  }
  std::array<char, 4096> piece;
  while (const std::size_t size = read(piece)) {
    if (size > limit - text.size())
      throw Error(413, "the body is longer than " + std::to_string(limit) + " bytes");
    text.append(piece.data(), size);
  }
  return text;
}

Query Request::read_form(std::optional<std::size_t> limit) {
  const std::string_view type = head_->fields.get("Content-Type", "");
  if (!equals_ignoring_case(detail::trimmed(type.substr(0, type.find(';'))),
                            "application/x-www-form-urlencoded"))
    throw Error(415, "the body is no form");
  try {
    return Query::parse(read_all(limit));
  } catch (const std::length_error& e) {
    throw Error(400, e.what());
  }
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name)
      return value;
  }
  return std::nullopt;
}

} // namespace grove::http
