// SPDX-License-Identifier: MIT
// Connection: the requests of one connection, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <vector>

#include <grove/http/server.hpp>
#include <grove/hub/detail/identity.hpp>
#include <grove/net/detail/buffer.hpp>

#include "forwarded.hpp"
#include "output.hpp"
#include "request_parser.hpp"

namespace grove::http::detail {

// What a Router, or one that is made by per_hub(), says of a body.
std::optional<std::uint64_t> body_limit_of(Handler& handler, std::string_view method,
                                           std::string_view path);

// What a connection needs as long as it has a request, and not between two.
struct Workspace {
  RequestParser parser;
  RequestHead head{};
  explicit Workspace(const Limits& limits) : parser(limits) {}
};

// What the connections of a server share.
struct Service {
  Handler handler;
  ServerOptions options;
  Server::Stats stats{};
  bool draining = false;
  TrustedProxies trusted{};
  std::uint32_t ticks = 0;                         // of the watch over idle connections
  std::vector<std::unique_ptr<Workspace>> spare{}; // the last that was used first

  std::unique_ptr<Workspace> take_workspace();
  void give_workspace(std::unique_ptr<Workspace> workspace);
};

class Answer;

class Connection final : private BodySource {
public:
  Connection(Service& service, net::Stream& stream, const net::Address& peer); // all outlive it
  ~Connection();

  // Until the client, an error or the server ends it. A kill passes through.
  void run();
  // Between two requests, and nobody's time is lost by closing it.
  bool idle() const { return idle_; }
  // For so many ticks of the watch; the first request is yet to come.
  std::uint32_t idle_ticks() const { return service_.ticks - idle_since_; }
  bool is_new() const { return served_ == 0; }
  // Waits idle, and for long: the memory of its calls before is given back.
  void trim() const;

private:
  std::size_t read_body(std::span<char> into) override;
  std::size_t read_some_of_body(std::span<char> into);
  bool next_head();
  void limit_body();
  void note_begin();
  void exchange();
  Response handle(Request& request);
  Response error_response(const Error& error);
  Response error_page(const Error& error);
  void hand_over(const Request& request, const Response& response,
                 const Response::TakeOver& take_over);
  void refuse(const Error& error);
  bool must_leave_body(const Response& response) const;
  void drop_body();
  void linger();
  void done(const Answer& answer, const Request* request, unsigned status);
  void report(const char* who, const std::exception_ptr& error);

  bool fill(Deadline deadline);   // false at the end of the stream
  std::optional<bool> try_fill(); // nothing where it would wait, or cannot tell
  void begin_work();
  void end_work();

  // First what each request touches: of a thousand connections all lines are cold.
  Service& service_;
  net::Stream& stream_;
  net::StreamSocket* socket_;       // the same, if it is one
  std::unique_ptr<Workspace> work_; // from a request's first byte on
  net::detail::Buffer in_;          // likewise
  Output out_;
  std::size_t served_ = 0;
  std::uint32_t idle_since_ = 0; // in ticks
  bool keep_ = true;
  bool idle_ = false;
  bool trusted_ = false;
  bool continued_ = false;
  bool broken_ = false;        // the connection failed: nothing can be said any more
  std::string_view pending_{}; // of the body: in in_, read and not yet taken
  Deadline body_deadline_{};
  std::uint64_t body_read_ = 0; // by the handler
  const net::Address& peer_;
  std::string client_;

  std::optional<std::uint64_t> body_limit_{}; // of a route
  std::optional<BadRequest> body_fault_{};
  grove::detail::Identity* greenlet_;
  std::chrono::system_clock::time_point began_{};
  std::chrono::steady_clock::time_point began_steady_{};
};

} // namespace grove::http::detail
