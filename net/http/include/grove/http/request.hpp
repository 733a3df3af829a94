// SPDX-License-Identifier: MIT
// Request: what a handler is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/http/fields.hpp>
#include <grove/http/query.hpp>
#include <grove/http/request_head.hpp>
#include <grove/net/address.hpp>

namespace grove::http {

namespace detail {
// Where a body comes from: a connection, or memory.
class BodySource {
public:
  virtual ~BodySource() = default;
  virtual std::size_t read_body(std::span<char> into) = 0; // 0 at its end
};
} // namespace detail

// Request is one request on its way through middleware and handler. Its views hold as long as it
// does. Hub-local. Reading the body is a suspension point; it throws BadRequest for a body that is
// broken or too long, TimeoutError for one that comes too slowly, Closed or std::system_error when
// the connection goes. A body that nobody reads is dropped.
class Request {
public:
  // For tests of handlers: a request that no connection brought.
  static Request make(std::string method, std::string target, std::string body = {},
                      Fields fields = {});
  Request(Request&&) noexcept = default;
  Request& operator=(Request&&) noexcept = default;

  // -- what was asked ------------------------------------------------------------------------
  const RequestHead& head() const { return *head_; }
  std::string_view method() const { return head_->method; }
  std::string_view target() const { return head_->target; }
  std::string_view path() const { return path_; } // still percent-encoded; begins with '/', or "*"
  std::string_view query_text() const { return query_text_; } // likewise, behind the '?'
  const Query& query() const; // Error 400 for one of more than 1,000 pairs
  const Fields& fields() const { return head_->fields; }
  std::optional<std::string_view> field(std::string_view name) const {
    return head_->fields.get(name);
  }
  std::optional<std::string_view> cookie(std::string_view name) const;
  std::string_view host() const; // of an absolute target, else of the field; may be empty

  // -- who asks ------------------------------------------------------------------------------
  const net::Address& peer() const { return *peer_; } // the other end of the connection
  // The same, or what trusted proxies say of the client: see ServerOptions::trusted_proxies.
  const std::string& client() const { return *client_; } // an IP address, or "unix"
  bool secure() const { return secure_; }                // HTTPS, as far as is known

  // -- the body ------------------------------------------------------------------------------
  bool has_body() const { return head_->has_body(); }
  // At least one byte, at most so many; 0 at its end.
  std::size_t read(std::span<char> into);
  // The rest of it; Error 413 for more than so many bytes: by default as many as the route's own
  // limit, or 1 MiB.
  std::string read_all(std::optional<std::size_t> limit = {});
  // The pairs of a form (application/x-www-form-urlencoded); Error 415 for another type.
  Query read_form(std::optional<std::size_t> limit = {});

  // -- what a Router found in the path: see router.hpp
  // ---------------------------------------------
  std::optional<std::string_view> parameter(std::string_view name) const;

private:
  friend class Router;
  friend struct RequestAccess;
  // NOLINTNEXTLINE(modernize-use-equals-default): GCC clears a defaulted one by a slow "rep stos".
  Request() noexcept {}
  void split_target();

  RequestHead* head_ = nullptr;
  std::unique_ptr<RequestHead> own_head_;
  std::unique_ptr<detail::BodySource> own_body_;
  detail::BodySource* body_ = nullptr;
  std::string_view path_;
  std::string_view query_text_;
  std::string_view authority_;
  std::string_view rest_; // of the path, where routers are within each other
  mutable std::optional<Query> query_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  const net::Address* peer_ = nullptr;
  const std::string* client_ = nullptr;
  bool secure_ = false;
  std::optional<std::uint64_t> body_limit_; // the route's
};

} // namespace grove::http
