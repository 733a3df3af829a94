// SPDX-License-Identifier: MIT
// Response: what a handler returns.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/http/cookie.hpp>
#include <grove/http/fields.hpp>
#include <grove/net/stream.hpp>

namespace grove::http {

inline constexpr std::string_view plain_text = "text/plain; charset=utf-8";
inline constexpr std::string_view html = "text/html; charset=utf-8";

// BodyWriter is what the function of a streaming response writes to. Each write leaves at once and
// waits while the client is slow: a suspension point, which throws as Stream::send does.
class BodyWriter {
public:
  virtual void write(std::string_view data) = 0; // of nothing: does nothing
protected:
  ~BodyWriter() = default;
};

// Response has a status, fields and a body: text, a function that writes it piece by piece, a part
// of a file, or a function that takes the connection over. The server adds Date, Content-Length or
// Transfer-Encoding, and Connection. A value; movable; any thread, one at a time.
class Response {
public:
  using Write = std::function<void(BodyWriter&)>;
  // The stream of the connection, and what was received after the request.
  using TakeOver = std::function<void(net::Stream&, std::string received)>;
  struct FilePart {
    int descriptor; // owned
    std::uint64_t offset;
    std::uint64_t size;
    FilePart(int d, std::uint64_t o, std::uint64_t s) : descriptor(d), offset(o), size(s) {}
    FilePart(FilePart&& other) noexcept
        : descriptor(std::exchange(other.descriptor, -1)), offset(other.offset), size(other.size) {}
    FilePart& operator=(FilePart&& other) noexcept {
      std::swap(descriptor, other.descriptor);
      offset = other.offset;
      size = other.size;
      return *this;
    }
    ~FilePart();
  };

  explicit Response(unsigned status = 200) : status_(status) {}
  Response(std::string text, std::string_view type = plain_text); // NOLINT: implicit on purpose
  Response(const char* text) : Response(std::string(text)) {}     // NOLINT: likewise
  Response(unsigned status, std::string text, std::string_view type = plain_text);
  // The head leaves before `write` is called. With a Content-Length among the fields exactly so
  // much must be written; without it the body is chunked, or ended by the connection's end for a
  // client of HTTP/1.0. If `write` throws, the connection is cut: the client sees that a part is
  // missing.
  static Response streaming(std::string_view type, Write write, unsigned status = 200);
  static Response redirect(std::string_view location, unsigned status = 303);
  static Response file(FilePart part, std::string_view type, unsigned status = 200);
  // "101 Switching Protocols"; what follows on the connection is the function's. It is closed when
  // that returns.
  static Response upgrade(std::string_view protocol, TakeOver take_over);

  unsigned status() const { return status_; }
  void set_status(unsigned status) { status_ = status; }
  Fields& fields() { return fields_; }
  const Fields& fields() const { return fields_; }
  Response& set(std::string_view name, std::string_view value) & {
    fields_.set(name, value);
    return *this;
  }
  Response&& set(std::string_view name, std::string_view value) && {
    fields_.set(name, value);
    return std::move(*this);
  }
  Response& set_cookie(const Cookie& cookie) & {
    fields_.add("Set-Cookie", cookie.to_string());
    return *this;
  }
  Response&& set_cookie(const Cookie& cookie) && {
    fields_.add("Set-Cookie", cookie.to_string());
    return std::move(*this);
  }

  using Body = std::variant<std::string, Write, FilePart, TakeOver>;
  Body& body() { return body_; }
  const Body& body() const { return body_; }
  // Of a body that is text; empty for another.
  std::string_view text() const;

private:
  unsigned status_ = 200;
  Fields fields_;
  Body body_;
};

} // namespace grove::http
