// SPDX-License-Identifier: MIT
// Responses as bytes.
#include "answer.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include <grove/http/error.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/net/stream_socket.hpp>

#include "date.hpp"

namespace grove::http::detail {

namespace {

constexpr std::size_t gather_limit = 64 * 1024; // a shorter text leaves with its head

void append_number(std::string& text, std::uint64_t number, int base = 10) {
  std::array<char, 24> digits;
  auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  text.append(digits.data(), end);
}

bool has_no_body(unsigned status) { return status < 200 || status == 204 || status == 304; }

// The fields that say where a message ends: they are ours to write.
bool is_framing(std::string_view name) {
  return (name.size() == 14 && equals_ignoring_case(name, "Content-Length")) ||
         (name.size() == 17 && equals_ignoring_case(name, "Transfer-Encoding")) ||
         (name.size() == 10 && equals_ignoring_case(name, "Connection"));
}

std::optional<std::uint64_t> own_length(const Response& response) {
  const auto text = response.fields().get("Content-Length");
  std::uint64_t length = 0;
  if (!text)
    return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  if (error != std::errc() || end != text->data() + text->size())
    return std::nullopt;
  return length;
}

// Of a head, all in one piece of memory: `size` bytes at most are put behind what is gathered.
class HeadWriter {
public:
  HeadWriter(net::detail::Buffer& to, std::size_t size)
      : to_(to), room_(to.room(size)), at_(room_.data()) {}
  HeadWriter(const HeadWriter&) = delete;
  HeadWriter& operator=(const HeadWriter&) = delete;
  ~HeadWriter() { to_.added(static_cast<std::size_t>(at_ - room_.data())); }

  void put(std::string_view part) {
    std::memcpy(at_, part.data(), part.size());
    at_ += part.size();
  }
  void put_number(std::uint64_t number) {
    at_ = std::to_chars(at_, room_.data() + room_.size(), number).ptr;
  }

private:
  net::detail::Buffer& to_;
  std::span<char> room_;
  char* at_;
};

} // namespace

void Answer::send(const Response& response) {
  const auto& body = response.body();
  const auto* const text = std::get_if<std::string>(&body);
  const auto* const part = std::get_if<Response::FilePart>(&body);
  const auto* const write = std::get_if<Response::Write>(&body);
  const bool head_only = head_ != nullptr && head_->method == "HEAD";

  std::optional<std::uint64_t> length;
  if (text != nullptr)
    length = text->size();
  else if (part != nullptr)
    length = part->size;
  else if (write != nullptr)
    length = own_length(response);
  bool chunked = false;
  if (!length && write != nullptr && !has_no_body(response.status())) {
    chunked = head_ != nullptr && head_->minor_version == 1;
    keep_ = keep_ && (chunked || head_only); // else the end of the connection is that of the body
  }
  append_head(response, length ? &*length : nullptr, chunked);
  if (head_only || has_no_body(response.status()))
    return;
  if (text != nullptr) {
    sent_ = text->size();
    if (out_.gathered().size() + text->size() <= gather_limit)
      out_.gathered().append(*text);
    else
      out_.send(*text);
  } else if (write != nullptr) {
    out_.flush();
    write_pieces(*write, length ? &*length : nullptr, chunked);
  } else if (part != nullptr) {
    out_.flush();
    write_file(*part);
  }
}

void Answer::append_head(const Response& response, const std::uint64_t* length, bool chunked) {
  constexpr std::size_t own_size = 256; // of what is neither field nor reason
  const unsigned status = response.status();
  const std::string_view reason = reason_phrase(status);
  std::size_t size = own_size + reason.size();
  for (const auto field : response.fields())
    size += field.name.size() + field.value.size() + std::string_view(": \r\n").size();
  HeadWriter out(out_.gathered(), size);
  if (status == 200) {
    out.put("HTTP/1.1 200 OK\r\n");
  } else {
    out.put("HTTP/1.1 ");
    out.put_number(status);
    out.put(" ");
    out.put(reason);
    out.put("\r\n");
  }
  bool has_date = false;
  for (const auto field : response.fields()) {
    if (is_framing(field.name)) {
      if (equals_ignoring_case(field.name, "Connection") &&
          equals_ignoring_case(field.value, "close"))
        keep_ = false;
      continue;
    }
    has_date = has_date || (field.name.size() == 4 && equals_ignoring_case(field.name, "Date"));
    out.put(field.name);
    out.put(": ");
    out.put(field.value);
    out.put("\r\n");
  }
  if (!has_date)
    out.put(date_field_now());
  if (chunked) {
    out.put("Transfer-Encoding: chunked\r\n");
  } else if (length != nullptr && status >= 200 && status != 204 && status != 304) {
    out.put("Content-Length: ");
    out.put_number(*length);
    out.put("\r\n");
  }
  if (status == 101)
    out.put("Connection: Upgrade\r\n");
  else if (!keep_)
    out.put("Connection: close\r\n");
  else if (head_ != nullptr && head_->minor_version == 0)
    out.put("Connection: keep-alive\r\n");
  out.put("\r\n");
}

class Answer::Writer final : public BodyWriter {
public:
  Writer(Answer& answer, const std::uint64_t* length, bool chunked)
      : answer_(answer), length_(length), chunked_(chunked) {}
  bool gone = false;

  void write(std::string_view data) override {
    if (data.empty()) // an empty chunk would be the last
      return;
    if (length_ != nullptr && data.size() > *length_ - answer_.sent_)
      throw std::logic_error("grove: http: more is written than Content-Length says");
    answer_.sent_ += data.size();
    try {
      if (!chunked_)
        return answer_.out_.send(data);
      std::string size;
      append_number(size, data.size(), 16);
      size += "\r\n";
      const std::array<std::string_view, 3> parts{size, data, "\r\n"};
      answer_.out_.send(parts);
    } catch (const Gone&) {
      gone = true;
      throw Closed("grove: http: the client has gone in the middle of an answer");
    }
  }

private:
  Answer& answer_;
  const std::uint64_t* length_;
  bool chunked_;
};

void Answer::write_pieces(const Response::Write& write, const std::uint64_t* length, bool chunked) {
  Writer writer(*this, length, chunked);
  try {
    write(writer);
    if (length != nullptr && sent_ < *length)
      throw std::logic_error("grove: http: less was written than Content-Length says");
  } catch (const GreenletExit&) {
    throw;
  } catch (const TimeoutExpired&) {
    throw;
  } catch (const Interrupted&) {
    throw;
  } catch (...) {
    if (!writer.gone)
      failure_ = std::current_exception();
  }
  if (writer.gone)
    throw Gone();
  if (failure_ != nullptr)
    cut();
  if (chunked)
    out_.gathered().append("0\r\n\r\n");
}

void Answer::write_file(const Response::FilePart& part) {
  auto* const socket = dynamic_cast<net::StreamSocket*>(&stream_);
  std::string piece;
  while (sent_ < part.size) {
    const std::uint64_t left = part.size - sent_;
    if (socket != nullptr) {
      const std::size_t some = out_.send_file(*socket, part.descriptor, part.offset + sent_,
                                              static_cast<std::size_t>(left));
      if (some == 0)
        cut(); // it has become shorter
      sent_ += some;
    } else {
      piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, gather_limit)));
      const ssize_t some = pread(part.descriptor, piece.data(), piece.size(),
                                 static_cast<off_t>(part.offset + sent_));
      if (some <= 0)
        cut();
      out_.send(std::string_view(piece).substr(0, static_cast<std::size_t>(some)));
      sent_ += static_cast<std::size_t>(some);
    }
  }
}

// The client must not take what it has for the whole: for some of HTTP/1.0 the connection's end is
// that of the body.
void Answer::cut() {
  if (auto* socket = dynamic_cast<net::StreamSocket*>(&stream_)) {
    if (head_ != nullptr && head_->minor_version == 0)
      socket->reset_on_close();
  }
  throw Gone();
}

} // namespace grove::http::detail
