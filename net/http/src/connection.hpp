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

#include <grove/http/server.hpp>

#include "forwarded.hpp"
#include "output.hpp"
#include "request_parser.hpp"

namespace grove::http::detail {

// What the connections of a server share.
struct Service {
  Handler handler;
  ServerOptions options;
  Server::Stats stats{};
  bool draining = false;
  TrustedProxies trusted{};
};

class Answer;

class Connection final : private BodySource {
public:
  Connection(Service& service, net::Stream& stream, const net::Address& peer);
  ~Connection();

  // Until the client, an error or the server ends it. A kill passes through.
  void run();
  // Between two requests, and nobody's time is lost by closing it.
  bool idle() const { return idle_; }

private:
  std::size_t read_body(std::span<char> into) override;
  std::size_t read_some_of_body(std::span<char> into);
  bool next_head();
  void exchange();
  Response handle(Request& request);
  Response error_response(const Error& error);
  Response error_page(const Error& error);
  void hand_over(const Request& request, const Response& response,
                 const Response::TakeOver& take_over);
  void refuse(const Error& error);
  void drop_body();
  void linger();
  void done(const Answer& answer, const Request* request, unsigned status);
  void tell(const Answer& answer, const Request* request, unsigned status);
  void report(const char* who, const std::exception_ptr& error);

  // -- input: begin_ to end_ of buffer_ ----------------------------------------------------------
  std::string_view in() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t size) { begin_ += size; }
  bool fill(Deadline deadline); // false at the end of the stream
  void release_buffer();

  Service& service_;
  net::Stream& stream_;
  net::Address peer_;
  std::string client_;
  bool trusted_ = false;

  RequestParser parser_;
  RequestHead head_;
  std::unique_ptr<char[]> buffer_; // while there is something in it
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string_view pending_; // of the body: in buffer_, read and not yet taken
  Deadline body_deadline_{};
  std::optional<BadRequest> body_fault_{};
  bool continued_ = false;
  bool broken_ = false; // the connection failed: nothing can be said any more

  Output out_;
  std::size_t served_ = 0;
  bool keep_ = true;
  bool idle_ = false;
  std::chrono::system_clock::time_point began_{};
  std::chrono::steady_clock::time_point began_steady_{};
};

} // namespace grove::http::detail
