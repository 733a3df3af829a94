// SPDX-License-Identifier: MIT
// Bodies of requests.
#include "client_upload.hpp"

#include <chrono>
#include <exception>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "client_exchange.hpp"

namespace grove::http::detail {

namespace {
constexpr unsigned first_refusal = 300; // what is below says nothing against the body
constexpr auto last_words = std::chrono::seconds(1);
} // namespace

Upload::Upload(Exchange& exchange) : exchange_(exchange), listener_(spawn([this] { listen(); })) {}

Upload::~Upload() { stop_listening(); }

void Upload::stop_listening() {
  const Shield shield;
  listener_.kill();
}

// Whatever goes wrong here is met again by who sends, or reads the head.
void Upload::listen() {
  try {
    while (!exchange_.read_head()) {
      if (!exchange_.hear())
        return;
    }
  } catch (const std::exception&) {
    return;
  }
  if (exchange_.head.status >= first_refusal)
    refused_.set();
}

void Upload::give_up() {
  over_ = true;
  throw Closed(exchange_.name() + ": the server has answered, and takes no more of the body");
}

void Upload::send(std::string_view bytes) {
  if (refused_.is_set())
    give_up();
  std::exception_ptr failure;
  struct Sending { // beside us, so that we can leave it
    GreenletRef<> greenlet;
    ~Sending() {
      const Shield shield;
      greenlet.kill();
    }
  } const sending{spawn([&] {
    try {
      exchange_.lease->stream->send_steadily(bytes, exchange_.timeouts.send);
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
  })};
  wait_any(ended(sending.greenlet), refused_.wait_op());
  if (refused_.is_set())
    give_up();
  if (failure != nullptr)
    fail(failure);
}

// What the server said before it closed the connection has arrived, or never will.
void Upload::fail(const std::exception_ptr& failure) {
  wait_any(ended(listener_), after(last_words));
  if (exchange_.has_head)
    give_up();
  stop_listening();
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    exchange_.fail(ClientError::Phase::send, error);
  }
}

} // namespace grove::http::detail
