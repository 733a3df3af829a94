// SPDX-License-Identifier: MIT
// WebSockets: messages received, sent and ended.
#include "websocket_core.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

#include <grove/hub/detail/stack_memory.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/timeout.hpp>

#include "deflater.hpp"
#include "utf8.hpp"

namespace grove::http::detail {

namespace {

constexpr std::size_t piece_size = 64 * 1024; // is sent in one go, and has the time of one
constexpr std::size_t small = 16 * 1024;      // is sent at once
// What the handshake took of the stack is given back by then, if that was all for now.
constexpr std::chrono::milliseconds first_look{1000};

// While it lives.
template <class T>
struct Set {
  T& what;
  Set(T& w, T value) : what(w) { what = value; }
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;
  ~Set() { what = {}; }
};

} // namespace

void check(const WebSocketOptions& options) {
  if (options.deflate_window_bits < 8 || options.deflate_window_bits > 15)
    throw std::invalid_argument("grove: WebSocketOptions: deflate_window_bits is not 8 to 15");
}

WebSocketCore::WebSocketCore(Side side, net::Stream& stream, std::unique_ptr<net::Stream> owned,
                             std::string received, Agreement agreement,
                             const WebSocketOptions& options)
    : stream_(stream), socket_(dynamic_cast<net::StreamSocket*>(&stream)), side_(side),
      heard_(now()), backlog_left_(received.size()),
      reader_(side == Side::server ? Side::client : Side::server, agreement.deflate,
              {options.max_message, options.max_fragments}),
      backlog_(std::move(received)), send_queue_(options.send_queue),
      max_message_(options.max_message), ping_(options.ping), dead_(options.dead),
      write_(options.write), close_(options.close), agreement_(std::move(agreement)),
      owned_(std::move(owned)) {
  room_.set();
  watch(std::min(ping_, first_look));
}

WebSocketCore::~WebSocketCore() {
  const Shield shield;
  if (watch_)
    watch_.kill();
  if (writer_)
    writer_.kill();
}

// -- receiving -----------------------------------------------------------------------------------

std::optional<WebSocket::Message> WebSocketCore::recv(Deadline deadline) {
  if (receiver_ != nullptr)
    throw std::logic_error("grove: WebSocket.recv: another greenlet receives");
  const Set receiving(receiver_, grove::detail::here().current);
  std::optional<Message> message;
  while (!ended_ && !message) {
    const bool from_backlog = backlog_left_ != 0;
    std::span<char> input =
        from_backlog ? std::span<char>(backlog_).last(backlog_left_) : receive(deadline);
    read(input, message);
    // Before anybody waits: the memory is everybody's.
    if (!from_backlog && !input.empty()) [[unlikely]]
      backlog_.assign(input.data(), input.size());
    else if (from_backlog && input.empty())
      backlog_ = {};
    backlog_left_ = input.size();
  }
  return message;
}

// Of a thousand greenlets none that wakes is in the cache. What a message needs of it is fetched
// while the kernel works: the callers' frames, and the first lines of this.
[[gnu::always_inline]] inline void WebSocketCore::look_ahead() const {
  constexpr int line = 64;
  const auto* const frames = static_cast<const char*>(__builtin_frame_address(0));
  for (int i = 2; i < 10; ++i)
    __builtin_prefetch(frames + i * line);
  for (int i = 1; i < 4; ++i)
    __builtin_prefetch(reinterpret_cast<const char*>(this) + i * line);
}

std::span<char> WebSocketCore::receive(Deadline deadline) {
  while (!room_.is_set()) { // who does not take what is sent is not listened to
    if (!room_.wait(deadline))
      throw TimeoutError("WebSocket.recv: the deadline came first");
  }
  static thread_local const std::unique_ptr<char[]> memory(new char[piece_size]);
  at_once_ = true;
  std::size_t size = 0;
  try {
    if (!stream_.wait_readable(deadline))
      throw TimeoutError("WebSocket.recv: the deadline came first");
    look_ahead();
    size = stream_.recv_into({memory.get(), piece_size}, deadline);
  } catch (const TimeoutError&) {
    throw;
  } catch (const Closed&) {
  } catch (const std::exception&) {
  }
  if (size == 0) {
    lost();
    return {};
  }
  heard_ = now();
  pinged_ = false;
  return {memory.get(), size};
}

// The next message of the input; all of that is taken when there is none, or none will come.
void WebSocketCore::read(std::span<char>& input, std::optional<Message>& message) {
  try {
    while (!input.empty() && !ended_) {
      const WebSocketEvent event = reader_.next(input);
      if (event.kind == WebSocketEvent::Kind::message) {
        take(event, message);
        if (message)
          return;
      } else {
        note(event);
      }
    }
  } catch (const std::bad_alloc&) {
    fail(close_code::internal_error);
  }
  input = {};
}

void WebSocketCore::note(const WebSocketEvent& event) {
  if (event.kind == WebSocketEvent::Kind::ping && !said_close_)
    put(Opcode::pong, event.data);
  else if (event.kind == WebSocketEvent::Kind::close)
    end_with(event);
  else if (event.kind == WebSocketEvent::Kind::fault)
    fail(event.code);
}

void WebSocketCore::take(const WebSocketEvent& event, std::optional<Message>& message) {
  if (!event.compressed) {
    message.emplace(Message{event.is_text, reader_.take(event.data)});
    return;
  }
  InflateFault fault{};
  std::string data =
      decompress_message(event.data, agreement_.their_window_bits, max_message_, fault);
  reader_.forget();
  if (fault == InflateFault::none && (!event.is_text || is_utf8(data)))
    message.emplace(Message{event.is_text, std::move(data)});
  else
    fail(fault == InflateFault::too_long ? close_code::too_big : close_code::bad_data);
}

void WebSocketCore::end_with(const WebSocketEvent& close) {
  ended_ = parted_ = true;
  close_code_ = close.code;
  close_reason_ = close.data;
  put_close(close.code, close.data);
}

void WebSocketCore::fail(std::uint16_t code) {
  ended_ = true;
  close_code_ = code;
  put_close(code, {});
}

void WebSocketCore::lost() {
  ended_ = lost_ = true;
  if (close_code_ == 0)
    close_code_ = close_code::abnormal;
  out_.clear();
  room_.set();
  stream_.close();
}

// -- sending -------------------------------------------------------------------------------------

void WebSocketCore::send(Opcode opcode, std::string_view data, Deadline deadline) {
  while (!room_.is_set()) {
    if (!room_.wait(deadline))
      throw TimeoutError("WebSocket.send: the deadline came first");
  }
  if (!lost_ && said_close_)
    throw Closed("WebSocket.send: it is closed");
  if (!lost_ && agreement_.deflate && !is_control(opcode))
    put(opcode, compress_message(data, agreement_.our_window_bits), true);
  else if (!lost_)
    put(opcode, data);
  if (lost_)
    throw Closed("WebSocket.send: the connection is gone");
}

// Never waits.
void WebSocketCore::put(Opcode opcode, std::string_view data, bool compressed) {
  if (lost_)
    return;
  const FrameKind kind{opcode, compressed, side_ == Side::client};
  // Messages in a row, and answers to what came in one piece, are sent together.
  if (at_once_ && socket_ != nullptr && !writing_ && backlog_left_ == 0 && data.size() <= small) {
    at_once_ = false;
    static thread_local const std::unique_ptr<char[]> memory(new char[most_header + small]);
    const std::string_view frame(memory.get(), write_frame(memory.get(), kind, data));
    const std::string_view left = leave_at_once(frame);
    if (left.empty())
      return;
    out_ += left;
  } else {
    append_frame(out_, kind, data);
  }
  if (out_.size() + in_flight_ >= send_queue_)
    room_.clear();
  if (!writing_) {
    writer_ = spawn([this] { write_out(); });
    writing_ = true;
  }
}

std::string_view WebSocketCore::leave_at_once(std::string_view frame) {
  try {
    frame.remove_prefix(socket_->try_send(frame).value_or(0));
    return frame;
  } catch (const std::exception&) {
    lost();
    return {};
  }
}

void WebSocketCore::put_close(std::uint16_t code, std::string_view reason) {
  if (said_close_)
    return;
  std::array<char, most_control> data{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  reason.copy(data.data() + 2, data.size() - 2);
  put(Opcode::close, {data.data(), code == close_code::none ? 0 : 2 + reason.size()});
  said_close_ = true;
}

void WebSocketCore::write_out() {
  const Set writing(writing_, true);
  while (!out_.empty() && !lost_) {
    const std::string data = std::exchange(out_, {});
    in_flight_ = data.size();
    try {
      for (std::string_view left = data; !left.empty();) {
        const std::size_t sent = stream_.send(left.substr(0, piece_size), write_);
        left.remove_prefix(sent);
        in_flight_ -= sent;
        if (out_.size() + in_flight_ < send_queue_)
          room_.set();
      }
    } catch (const std::exception&) {
      in_flight_ = 0;
      lost();
    }
  }
  at_once_ = true;
}

// -- silence -------------------------------------------------------------------------------------

void WebSocketCore::watch(milliseconds after) {
  watch_ = spawn_later(after, [this] { look_for_life(); });
}

void WebSocketCore::look_for_life() {
  constexpr milliseconds a_moment{1}; // for what is there, and was not read yet
  if (ended_)
    return;
  if (receiver_ == nullptr || !room_.is_set() || writing_) // nobody listens, or it still takes
    heard_ = now();
  const milliseconds limit = pinged_ ? dead_ : ping_;
  const auto silent = std::chrono::duration_cast<milliseconds>(now() - heard_);
  if (silent >= first_look / 2)
    grove::detail::trim_stack(*receiver_);
  if (silent < limit)
    return watch(limit - silent);
  if (pinged_) {
    if (silent < limit + a_moment)
      return watch(a_moment);
    return lost();
  }
  pinged_ = true;
  if (!said_close_) // nothing comes behind it
    put(Opcode::ping, {});
  watch(std::max(dead_ - silent, milliseconds(1)));
}

// -- the end -------------------------------------------------------------------------------------

void WebSocketCore::close(std::uint16_t code, std::string_view reason) {
  if (!lost_)
    put_close(code, reason);
  const Deadline deadline = close_;
  try {
    if (receiver_ == nullptr) { // else that greenlet sees the end
      while (recv(deadline)) {
      }
    }
    if (writing_)
      writer_.join(deadline);
    if (ended_ && receiver_ == nullptr)
      read_out(deadline);
  } catch (const TimeoutError&) {
    lost();
  }
}

// After a fault of the peer's, who may still send: a connection that is closed while there is
// something to be read is reset, and then the peer may never see what it was closed with (RFC 6455,
// 7.1.1).
void WebSocketCore::read_out(Deadline deadline) {
  if (lost_ || std::exchange(parted_, true))
    return;
  try {
    stream_.shutdown_write(deadline);
    std::array<char, 512> rest;
    while (stream_.recv_into(rest, deadline) != 0) {
    }
  } catch (const TimeoutError&) {
    throw;
  } catch (const std::exception&) { // it is gone
  }
}

} // namespace grove::http::detail
