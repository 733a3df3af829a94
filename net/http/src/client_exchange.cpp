// SPDX-License-Identifier: MIT
// One request and its answer.
#include "client_exchange.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/exceptions.hpp>

#include "grammar.hpp"

namespace grove::http::detail {

namespace {
constexpr std::size_t piece_size = 16 * 1024;
constexpr unsigned max_interim = 100;

const char* name_of(ClientError::Phase phase) {
  switch (phase) {
  case ClientError::Phase::connect:
    return "connect";
  case ClientError::Phase::send:
    return "send";
  case ClientError::Phase::head:
    return "head";
  case ClientError::Phase::body:
    return "body";
  }
  return "";
}
} // namespace

Exchange::Exchange(WirePool::Lease the_lease, Url the_url, std::string the_method,
                   const ClientOptions& options)
    : lease(std::move(the_lease)), url(std::move(the_url)), url_text(url.to_string()),
      method(std::move(the_method)), timeouts(options.timeouts), parser(options.limits) {}

Exchange::~Exchange() {
  if (!finished)
    lease.discard();
}

void Exchange::fail(ClientError::Phase phase, const std::string& why, bool timed_out) {
  if (!finished) {
    finished = true;
    lease.discard();
  }
  throw ClientError(phase, name() + ": " + name_of(phase) + ": " + why, timed_out);
}

void Exchange::send(const ClientRequest& request, const Fields& more, bool by_proxy) {
  std::string text = method + " " + (by_proxy ? url.to_string() : url.target) + " HTTP/1.1\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    text += name;
    text += ": ";
    text += value;
    text += "\r\n";
  };
  if (!more.has("Host"))
    add("Host", url.authority());
  for (const auto field : more)
    add(field.name, field.value);
  if (request.write != nullptr && !request.length)
    add("Transfer-Encoding", "chunked");
  else if (request.write != nullptr)
    add("Content-Length", std::to_string(*request.length));
  else if (!request.body.empty() || method == "POST" || method == "PUT" || method == "PATCH")
    add("Content-Length", std::to_string(request.body.size()));
  text += "\r\n";

  if (request.write == nullptr && request.body.size() <= piece_size)
    return send_all(text + request.body);
  send_all(text);
  send_body(request);
}

void Exchange::send_body(const ClientRequest& request) {
  Upload upload(*this);
  whole = false;
  try {
    if (request.write != nullptr)
      write_body(request, upload);
    else
      upload.send(request.body);
    whole = true;
  } catch (const std::exception&) {
    if (!upload.is_over()) // else there is an answer
      throw;
  }
}

void Exchange::send_all(std::string_view bytes) {
  try {
    lease->stream->send_steadily(bytes, timeouts.send);
  } catch (const std::exception& e) {
    fail(ClientError::Phase::send, e);
  }
}

void Exchange::write_body(const ClientRequest& request, Upload& upload) {
  struct Writer final : BodyWriter {
    std::function<void(std::string_view)> call;
    void write(std::string_view data) override {
      if (!data.empty())
        call(data);
    }
  } writer;
  std::uint64_t left = request.length.value_or(0);
  writer.call = [&](std::string_view data) {
    if (request.length) {
      if (data.size() > left)
        throw std::logic_error("grove: http: more is written than the length says");
      left -= data.size();
      return upload.send(data);
    }
    std::array<char, 24> size;
    const int digits = std::snprintf(size.data(), size.size(), "%zx\r\n", data.size());
    upload.send(std::string(size.data(), static_cast<std::size_t>(digits)) + std::string(data) +
                "\r\n");
  };
  request.write(writer);
  if (left > 0)
    throw std::logic_error("grove: http: less was written than the length says");
  if (!request.length)
    upload.send("0\r\n\r\n");
}

bool Exchange::hear(Deadline deadline) {
  if (begin == buffer.size()) {
    buffer.clear();
    begin = 0;
  }
  const std::string more = lease->stream->recv(piece_size, deadline);
  heard = heard || !more.empty();
  buffer.erase(0, std::exchange(begin, 0));
  buffer += more;
  return !more.empty();
}

bool Exchange::fill(Deadline deadline, ClientError::Phase phase) {
  try {
    return hear(deadline);
  } catch (const std::exception& e) {
    fail(phase, e);
  }
}

bool Exchange::read_head() {
  while (!has_head) {
    const std::size_t used =
        parser.head(std::string_view(buffer).substr(begin), method == "HEAD", head);
    if (used == 0)
      return false;
    begin += used;
    has_head = head.status >= 200 || head.status == 101;
    if (!has_head && ++interim > max_interim)
      throw BadRequest(502, "one interim answer after the other");
  }
  return true;
}

void Exchange::receive_head() {
  constexpr auto phase = ClientError::Phase::head;
  const Deadline deadline = timeouts.head;
  try {
    while (!read_head()) {
      if (!fill(deadline, phase))
        fail(phase, "the server closed the connection");
    }
    if (parser.body_done()) // nobody need read it
      finish();
  } catch (const BadRequest& bad) {
    fail(phase, bad.what());
  }
}

// The body was read to its end.
void Exchange::finish() {
  if (finished)
    return;
  finished = true;
  if (whole && head.keep_alive && begin == buffer.size()) {
    lease->used = true;
    lease.release();
  } else {
    lease.discard();
  }
}

std::size_t Exchange::read(std::span<char> into) {
  constexpr auto phase = ClientError::Phase::body;
  if (into.empty())
    return 0;
  try {
    while (pending.empty()) {
      if (parser.body_done()) {
        finish();
        return 0;
      }
      if (finished)
        fail(phase, "it failed before");
      if (begin < buffer.size()) {
        const auto piece = parser.body(std::string_view(buffer).substr(begin));
        begin += piece.used;
        pending = piece.data;
        if (piece.used > 0)
          continue;
      }
      if (!fill(timeouts.body, phase))
        parser.end();
    }
  } catch (const BadRequest& bad) {
    fail(phase, bad.what());
  }
  const std::size_t size = std::min(into.size(), pending.size());
  std::memcpy(into.data(), pending.data(), size);
  pending.remove_prefix(size);
  return size;
}

void Exchange::inflate_gzip() {
  const std::string coding = head.fields.joined("Content-Encoding");
  if (parser.body_done() ||
      (!equals_ignoring_case(coding, "gzip") && !equals_ignoring_case(coding, "x-gzip")))
    return;
  head.fields.remove("Content-Encoding");
  head.fields.remove("Content-Length");
  head.content_length.reset();
  gzip.emplace();
}

std::size_t Exchange::read_plain(std::span<char> into) {
  if (!gzip)
    return read(into);
  try {
    return gzip->read(into, [this](std::span<char> more) { return read(more); });
  } catch (const BrokenGzip& broken) {
    fail(ClientError::Phase::body, broken.what());
  }
}

} // namespace grove::http::detail
