// SPDX-License-Identifier: MIT
// Upload: the body of a request on its way out, beside which the answer is listened for.
#pragma once

#include <exception>
#include <string_view>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>

namespace grove::http::detail {

struct Exchange;

// A server may answer before it has the body, and take no more of it (RFC 9112, 9.5): who only
// sends would find nothing but a broken connection, and not be told why. While this lives, the
// Exchange reads heads beside the greenlet that sends.
class Upload {
public:
  explicit Upload(Exchange& exchange);
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload(); // hears no more

  // Closed once the body is not wanted any more; ClientError.
  void send(std::string_view bytes);
  // Whether send() has refused, because there is an answer.
  bool is_over() const { return over_; }

private:
  void listen();
  void stop_listening();
  [[noreturn]] void give_up();
  [[noreturn]] void fail(const std::exception_ptr& failure);

  Exchange& exchange_;
  Event refused_;
  bool over_ = false;
  GreenletRef<> listener_;
};

} // namespace grove::http::detail
