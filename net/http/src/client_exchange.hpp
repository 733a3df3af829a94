// SPDX-License-Identifier: MIT
// Exchange: one request and its answer on one connection.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <grove/http/client.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/net/connection_pool.hpp>
#include <grove/net/stream.hpp>

#include "client_upload.hpp"
#include "gzip_stream.hpp"
#include "response_parser.hpp"
#include "url.hpp"

namespace grove::http::detail {

// A connection to a server, and what it has said beyond the last answer (nothing, if it keeps to
// the rules).
struct Wire {
  std::unique_ptr<net::Stream> stream;
  bool used = false; // for a request before
};
using WirePool = net::ConnectionPool<Wire>;

inline bool is_timeout(const std::exception& e) {
  return dynamic_cast<const TimeoutError*>(&e) != nullptr;
}

struct Exchange {
  Exchange(WirePool::Lease the_lease, Url the_url, std::string the_method,
           const ClientOptions& the_options);
  ~Exchange();

  void send(const ClientRequest& request, const Fields& more, bool by_proxy);
  void receive_head();
  // Of what was received: whether the head of the answer is there. BadRequest.
  bool read_head();
  bool hear(Deadline deadline = {}); // more of it; false at the end of the connection
  std::size_t read(std::span<char> into);
  // From now on read_plain() inflates, if it is gzip.
  void inflate_gzip();
  std::size_t read_plain(std::span<char> into);

  [[noreturn]] void fail(ClientError::Phase phase, const std::string& why, bool timed_out = false);
  [[noreturn]] void fail(ClientError::Phase phase, const std::exception& why) {
    fail(phase, why.what(), is_timeout(why));
  }
  void finish();
  void send_body(const ClientRequest& request);
  static void write_body(const ClientRequest& request, Upload& upload);
  void send_all(std::string_view bytes);
  [[nodiscard]] std::string name() const { return method + " " + url.to_string(); }
  bool fill(Deadline deadline, ClientError::Phase phase); // false at the end of the connection

  WirePool::Lease lease;
  Url url;
  std::string url_text;
  std::string method;
  const ClientTimeouts timeouts;
  ResponseParser parser;
  ResponseHead head{};
  std::string buffer;
  std::size_t begin = 0;
  std::string_view pending;
  std::optional<GzipReader> gzip;
  unsigned interim = 0;  // answers of 1xx before the one that is meant
  bool heard = false;    // anything of an answer
  bool has_head = false; // it is there
  bool whole = true;     // the request was sent to its end
  bool finished = false; // the connection was given back, or dropped
};

} // namespace grove::http::detail
