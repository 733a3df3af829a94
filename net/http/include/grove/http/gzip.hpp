// SPDX-License-Identifier: MIT
// Gzip: bodies compressed on their way out, and inflated on their way in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <grove/http/request.hpp>
#include <grove/http/response.hpp>
#include <grove/http/server.hpp>

namespace grove::http {

namespace detail {
struct GzipPlaces;
}

struct GzipOptions {
  std::size_t min_size = 1024; // bytes; a body that is known to be shorter is sent as it is
  int level = 5;               // 1: fast, to 9: small
  // Bytes that a request's body may be inflated to; beyond: 413.
  std::uint64_t max_inflated = 1024 * 1024;
  // At a time, on all hubs together: answers that are compressed, each in at most 256 KiB of memory
  // (64 KiB for what is written piece by piece), where more are sent as they are; bodies that are
  // inflated, each in 48 KiB, where more are answered with 503.
  std::size_t compressing = 256;
  std::size_t inflating = 1024;
};

// Gzip is a Middleware: `router.use(Gzip())`.
//
// A response is compressed if the client takes gzip (Accept-Encoding, with its q) and it is worth
// it: text, JSON, XML, scripts, SVG, fonts that are not compressed yet; not a part of something
// (206), not server-sent events, nothing with a Content-Encoding of its own or with "no-transform"
// in Cache-Control, which is what a page with a secret beside a text of the client's wants
// (BREACH). Its ETag becomes weak; Vary is set whether this client takes gzip or not. What is
// written piece by piece still leaves at each write, 16 KiB at a time however much that is; a file
// is read, not handed to the kernel.
//
// A request's body with "Content-Encoding: gzip" is inflated as it is read, and its
// Content-Encoding removed; Request::read() throws Error 400 for one that is broken or cut off, 413
// for one beyond the limit. Any other coding is answered with 415. Without this middleware a
// handler reads what was sent.
class Gzip {
public:
  explicit Gzip(GzipOptions options = {}); // std::invalid_argument for another level
  Response operator()(Request& request, const Handler& next) const;

private:
  GzipOptions options_;
  std::shared_ptr<detail::GzipPlaces> places_; // its copies have them in common
};

} // namespace grove::http
