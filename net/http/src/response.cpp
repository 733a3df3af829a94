// SPDX-License-Identifier: MIT
// Responses.
#include <grove/http/response.hpp>

#include <unistd.h>

namespace grove::http {

Response::FilePart::~FilePart() {
  if (descriptor >= 0)
    ::close(descriptor);
}

Response::Response(std::string text, std::string_view type)
    : Response(200, std::move(text), type) {}

Response::Response(unsigned status, std::string text, std::string_view type)
    : status_(status), body_(std::move(text)) {
  if (!type.empty())
    fields_.add_first("Content-Type", type);
}

Response Response::streaming(std::string_view type, Write write, unsigned status) {
  Response response(status, {}, type);
  response.body_ = std::move(write);
  return response;
}

Response Response::redirect(std::string_view location, unsigned status) {
  Response response(status);
  response.fields_.add("Location", location);
  return response;
}

Response Response::file(FilePart part, std::string_view type, unsigned status) {
  Response response(status, {}, type);
  response.body_ = std::move(part);
  return response;
}

Response Response::upgrade(std::string_view protocol, TakeOver take_over) {
  Response response(101);
  response.fields_.add("Upgrade", protocol);
  response.body_ = std::move(take_over);
  return response;
}

std::string_view Response::text() const {
  const auto* text = std::get_if<std::string>(&body_);
  return text == nullptr ? std::string_view() : *text;
}

} // namespace grove::http
