// SPDX-License-Identifier: MIT
// The requests of one connection.
#include "connection.hpp"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>
#include <vector>

#include <grove/http/json_error.hpp>
#include <grove/hub/detail/locals.hpp>
#include <grove/hub/detail/stack_memory.hpp>
#include <grove/hub/detail/warm_stack.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/log.hpp>
#include <grove/hub/timeout.hpp>

#include "answer.hpp"
#include "request_access.hpp"

namespace grove::http::detail {

namespace {

constexpr std::size_t least_room = 1024; // what it is worth to ask the kernel for
constexpr std::size_t most_spare = 64;   // workspaces

} // namespace

std::unique_ptr<Workspace> Service::take_workspace() {
  if (spare.empty())
    return std::make_unique<Workspace>(options.limits);
  std::unique_ptr<Workspace> workspace = std::move(spare.back());
  spare.pop_back();
  return workspace;
}

void Service::give_workspace(std::unique_ptr<Workspace> workspace) {
  if (spare.size() < most_spare)
    spare.push_back(std::move(workspace));
}

Connection::Connection(Service& service, net::Stream& stream, const net::Address& peer)
    : service_(service), stream_(stream), socket_(dynamic_cast<net::StreamSocket*>(&stream)),
      out_(stream, service.options.timeouts.write), trusted_(service.trusted.trust(peer)),
      peer_(peer), client_(peer.is_ip() ? peer.host() : std::string("unix")),
      greenlet_(grove::detail::here().current) {}

Connection::~Connection() = default;

void Connection::run() {
  try {
    try {
      while (keep_ && next_head()) {
        exchange();
        grove::detail::drop_locals(); // they are the request's
      }
      out_.flush();
    } catch (const BadRequest& bad) { // a head; handle() sees to bodies
      ++service_.stats.bad_requests;
      refuse(bad);
    }
    if (!keep_ && (!in_.empty() || (work_ != nullptr && !work_->parser.body_done())))
      linger();
  } catch (const Gone&) {
  }
}

// -- input -------------------------------------------------------------------------------------

bool Connection::fill(Deadline deadline) {
  try {
    const std::size_t got = stream_.recv_into(in_.room(least_room), deadline);
    in_.added(got);
    return got > 0;
  } catch (const Closed&) { // by the server that ends
    throw Gone();
  } catch (const std::system_error&) {
    throw Gone();
  }
}

std::optional<bool> Connection::try_fill() {
  if (socket_ == nullptr)
    return std::nullopt;
  try {
    const auto got = socket_->try_recv_into(in_.room(least_room));
    if (!got)
      return std::nullopt;
    in_.added(*got);
    return *got > 0;
  } catch (const std::system_error&) {
    throw Gone();
  }
}

void Connection::begin_work() {
  if (work_ == nullptr)
    work_ = service_.take_workspace();
}

// Nothing is left to be read, and nothing to be sent.
void Connection::end_work() {
  in_.release();
  if (work_ != nullptr)
    service_.give_workspace(std::move(work_));
}

void Connection::trim() const { grove::detail::trim_stack(*greenlet_); }

// False when the connection ends in order.
bool Connection::next_head() {
  const Timeouts& timeouts = service_.options.timeouts;
  Deadline deadline;
  bool come = false; // there is something to be read
  if (in_.empty()) {
    out_.flush();
    if (service_.draining)
      return false;
    end_work();
    idle_ = true;
    idle_since_ = service_.ticks;
    struct Busy {
      bool& idle;
      ~Busy() { idle = false; }
    } busy{idle_};
    try {
      stream_.wait_readable(); // whoever watches over idle ones closes it when it was too long
    } catch (const Closed&) {
      return false;
    } catch (const std::system_error&) {
      return false;
    }
    come = true;
  }
  begin_work();
  while (true) {
    if (!in_.empty()) {
      const std::size_t used = grove::detail::on_warm_stack( // Beast goes deep
          [&] { return work_->parser.read_head(in_.view(), work_->head); });
      if (used > 0) {
        in_.drop(used);
        if (work_->head.has_body())
          limit_body();
        break;
      }
      out_.flush();
    }
    std::optional<bool> more;
    if (std::exchange(come, false)) // without a deadline, for which the clock would have to be read
      more = try_fill();
    if (!more) {
      if (deadline.is_never())
        deadline = timeouts.head;
      try {
        more = fill(deadline);
      } catch (const TimeoutError&) {
        throw BadRequest(408, "the head came too slowly");
      }
    }
    if (!*more) {
      if (in_.empty())
        return false;
      throw BadRequest(400, "the connection ended within a head");
    }
  }
  note_begin();
  ++served_;
  return true;
}

void Connection::note_begin() {
  if (service_.options.access_log == nullptr)
    return;
  began_ = std::chrono::system_clock::now();
  began_steady_ = now();
}

// -- requests ----------------------------------------------------------------------------------

void Connection::exchange() {
  keep_ = work_->head.keep_alive && served_ < service_.options.requests_per_connection;
  body_deadline_ = {};
  body_read_ = 0;
  continued_ = broken_ = false;
  body_fault_.reset();
  pending_ = {};
  out_.flush_beside();
  Request request = RequestAccess::make(work_->head, *this, peer_);
  bool secure = service_.options.secure != nullptr;
  std::string forwarded;
  if (trusted_) {
    forwarded = service_.trusted.client_of(work_->head.fields, client_);
    if (const auto scheme = work_->head.fields.get("X-Forwarded-Proto"))
      secure = *scheme == "https";
  }
  if (work_->head.has_body())
    RequestAccess::set_body_limit(request, body_limit_);
  RequestAccess::set_client(request, trusted_ ? forwarded : client_, secure);
  Response response = handle(request);
  if (broken_)
    throw Gone();
  if (service_.draining)
    keep_ = false;
  if (std::holds_alternative<Response::TakeOver>(response.body()) && !work_->parser.body_done()) {
    keep_ = false; // the body would be taken for the first words of another protocol
    response = error_response(BadRequest(400, "a body before the connection is another's"));
  }
  if (auto* take_over = std::get_if<Response::TakeOver>(&response.body()))
    hand_over(request, response, *take_over);
  if (must_leave_body(response))
    keep_ = false;
  Answer answer(out_, stream_, &work_->head, keep_);
  struct Told { // also when the client goes in the middle of it
    Connection& self;
    Answer& answer;
    const Request& request;
    unsigned status;
    ~Told() { self.done(answer, &request, status); }
  } told{*this, answer, request, response.status()};
  answer.send(response);
  if (!work_->parser.body_done() || !pending_.empty())
    drop_body();
}

Response Connection::handle(Request& request) {
  std::exception_ptr failure;
  try {
    ++service_.stats.requests;
    return service_.handler(request);
  } catch (const BadRequest& bad) {
    keep_ = false;
    return error_response(bad);
  } catch (const Error& error) {
    return error_response(error);
  } catch (const GreenletExit&) {
    throw;
  } catch (const TimeoutExpired&) {
    throw;
  } catch (const Interrupted&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  if (!broken_) // else it only passed on that the client went
    report("the handler", failure);
  return error_response(Error(500, "internal error"));
}

Response Connection::error_response(const Error& error) {
  Response page = error_page(error);
  if (const Fields* fields = error.fields()) {
    for (const auto field : *fields)
      page.set(field.name, field.value);
  }
  return page;
}

Response Connection::error_page(const Error& error) {
  if (service_.options.error_page != nullptr) {
    try {
      Response page = service_.options.error_page(error);
      page.set_status(error.status());
      return page;
    } catch (const std::exception& e) {
      grove::detail::log(LogLevel::error, std::string("http: the error page threw ") + e.what());
    }
  }
  if (dynamic_cast<const JsonError*>(&error) != nullptr)
    return json_error_page(error);
  return Response(error.status(), std::to_string(error.status()) + " " +
                                      reason_phrase(error.status()) + ": " + error.what() + "\n");
}

// A head that cannot be understood.
void Connection::refuse(const Error& error) {
  keep_ = false;
  note_begin();
  const Response response = error_response(error);
  Answer answer(out_, stream_, nullptr, keep_);
  answer.send(response);
  out_.flush();
  done(answer, nullptr, response.status());
  linger();
}

// The rest of the connection is no HTTP.
void Connection::hand_over(const Request& request, const Response& response,
                           const Response::TakeOver& take_over) {
  keep_ = false;
  Answer answer(out_, stream_, &work_->head, keep_);
  answer.send(response);
  out_.flush();
  done(answer, &request, response.status());
  std::string received(in_.view());
  in_.release();
  try {
    take_over(stream_, std::move(received));
  } catch (const std::exception&) {
    report("what took the connection over", std::current_exception());
  }
  throw Gone();
}

} // namespace grove::http::detail
