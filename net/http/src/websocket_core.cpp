// SPDX-License-Identifier: MIT
// WebSockets: wslay does the frames.
#include "websocket_core.hpp"

#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/timeout.hpp>

#include "deflater.hpp"
#include "utf8.hpp"
#include "websocket_frame.hpp"

namespace grove::http::detail {

namespace {

constexpr std::size_t piece_size = 64 * 1024; // is sent in one go, and has the time of one

} // namespace

// wslay is C: nothing may be thrown through it.
struct WebSocketCore::Callbacks {
  static ssize_t receive(wslay_event_context_ptr context, std::uint8_t* to, std::size_t size, int,
                         void* user) noexcept {
    auto& input = static_cast<WebSocketCore*>(user)->input_;
    if (input.empty()) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    size = input.copy(reinterpret_cast<char*>(to), size);
    input.remove_prefix(size);
    return static_cast<ssize_t>(size);
  }
  static ssize_t send(wslay_event_context_ptr context, const std::uint8_t* data, std::size_t size,
                      int, void* user) noexcept {
    try {
      static_cast<WebSocketCore*>(user)->out_.append(reinterpret_cast<const char*>(data), size);
      return static_cast<ssize_t>(size);
    } catch (...) {
      wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
      return -1;
    }
  }
  static int mask(wslay_event_context_ptr, std::uint8_t* to, std::size_t size, void*) noexcept {
    arc4random_buf(to, size);
    return 0;
  }
  static void frame(wslay_event_context_ptr, const wslay_event_on_frame_recv_start_arg* frame,
                    void* user) noexcept {
    auto& self = *static_cast<WebSocketCore*>(user);
    if (frame->opcode == WSLAY_CONTINUATION_FRAME) {
      if (++self.fragments_ > self.options_.max_fragments)
        self.fail(WSLAY_CODE_POLICY_VIOLATION);
    } else if (!wslay_is_ctrl_frame(frame->opcode)) {
      self.fragments_ = 1;
    } else if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1) {
      self.fail(WSLAY_CODE_PROTOCOL_ERROR); // half a code
    }
  }
  static void message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message,
                      void* user) noexcept {
    auto& self = *static_cast<WebSocketCore*>(user);
    try {
      self.message(message->opcode, wslay_get_rsv1(message->rsv) != 0,
                   {reinterpret_cast<const char*>(message->msg), message->msg_length});
    } catch (...) { // no memory
      self.fail(WSLAY_CODE_INTERNAL_SERVER_ERROR);
    }
  }
};

WebSocketCore::WebSocketCore(Side side, net::Stream& stream, std::unique_ptr<net::Stream> owned,
                             std::string received, Agreement agreement, WebSocketOptions options)
    : side_(side), owned_(std::move(owned)), stream_(stream), agreement_(std::move(agreement)),
      options_(std::move(options)), backlog_(std::move(received)), heard_(now()) {
  wslay_event_callbacks callbacks{};
  callbacks.recv_callback = Callbacks::receive;
  callbacks.send_callback = Callbacks::send;
  callbacks.genmask_callback = Callbacks::mask;
  callbacks.on_frame_recv_start_callback = Callbacks::frame;
  callbacks.on_msg_recv_callback = Callbacks::message;
  const int result = side == Side::server
                         ? wslay_event_context_server_init(&context_, &callbacks, this)
                         : wslay_event_context_client_init(&context_, &callbacks, this);
  if (result != 0)
    throw std::bad_alloc();
  wslay_event_config_set_max_recv_msg_length(context_, options_.max_message);
  if (agreement_.deflate) {
    wslay_event_config_set_allowed_rsv_bits(context_, WSLAY_RSV1_BIT);
    deflater_ = std::make_unique<Deflater>(agreement_.our_window_bits);
  }
  room_.set();
}

WebSocketCore::~WebSocketCore() {
  if (writer_) {
    const Shield shield;
    writer_.kill();
  }
  wslay_event_context_free(context_);
}

bool WebSocketCore::is_open() const {
  return !ended_ && !lost_ && !said_close_ && wslay_event_get_close_sent(context_) == 0;
}

// -- receiving ---------------------------------------------------------------------------------

std::optional<WebSocket::Message> WebSocketCore::recv(Deadline deadline) {
  if (receiving_)
    throw std::logic_error("grove: WebSocket.recv: another greenlet receives");
  struct Receiving {
    bool& flag;
    explicit Receiving(bool& f) : flag(f) { flag = true; }
    Receiving(const Receiving&) = delete;
    Receiving& operator=(const Receiving&) = delete;
    ~Receiving() { flag = false; }
  } receiving(receiving_);
  while (!message_) {
    if (!receive_some(deadline))
      return std::nullopt;
  }
  return std::exchange(message_, std::nullopt);
}

bool WebSocketCore::receive_some(Deadline deadline) {
  if (ended_)
    return false;
  if (!backlog_.empty()) {
    backlog_.erase(0, feed(backlog_));
    return true;
  }
  if (!room_.wait(deadline)) // who does not take what is sent is not listened to
    throw TimeoutError("WebSocket.recv: the deadline came first");
  static thread_local const std::unique_ptr<char[]> memory(new char[piece_size]);
  const Deadline silence = heard_ + (pinged_ ? options_.dead : options_.ping);
  std::size_t size = 0;
  try {
    size = stream_.recv_into({memory.get(), piece_size}, earlier(deadline, silence));
  } catch (const TimeoutError&) {
    if (deadline.has_passed())
      throw;
    if (pinged_) {
      lost();
      return false;
    }
    pinged_ = true;
    if (wslay_event_get_close_sent(context_) == 0) // nothing comes behind it
      put_frame(WSLAY_PING, false, {});
    pump();
    return true;
  } catch (const Closed&) {
  } catch (const std::exception&) {
  }
  if (size == 0) {
    lost();
    return false;
  }
  heard_ = now();
  pinged_ = false;
  const std::string_view bytes(memory.get(), size);
  backlog_ = bytes.substr(feed(bytes)); // before anybody waits: the memory is everybody's
  return true;
}

// Where the frame that is being read ends, or the bytes do. wslay reads on as long as it is given
// something; but a close behind a message must not be seen before the message is answered.
std::size_t WebSocketCore::end_of_frame(std::string_view bytes) {
  std::size_t at = 0;
  if (payload_left_ == 0) {
    const auto size_of_header = [&]() -> std::size_t {
      if (header_size_ < 2)
        return 2;
      const unsigned size = header_[1] & 0x7f;
      return (size == 127 ? 10U : size == 126 ? 4U : 2U) + ((header_[1] & 0x80) != 0 ? 4U : 0U);
    };
    while (at < bytes.size() && header_size_ < size_of_header())
      header_[header_size_++] = static_cast<unsigned char>(bytes[at++]);
    if (header_size_ < size_of_header())
      return at;
    header_size_ = 0;
    payload_left_ = header_[1] & 0x7f;
    if (payload_left_ >= 126) {
      const std::size_t end = payload_left_ == 127 ? 10 : 4;
      payload_left_ = 0;
      for (std::size_t i = 2; i < end; ++i)
        payload_left_ = payload_left_ << 8 | header_[i];
    }
    if (payload_left_ > options_.max_message && (header_[0] & 0x08) == 0)
      fail(WSLAY_CODE_MESSAGE_TOO_BIG); // wslay would wait for its first byte
  }
  const std::size_t part = std::min<std::uint64_t>(payload_left_, bytes.size() - at);
  payload_left_ -= part;
  return at + part;
}

std::size_t WebSocketCore::feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !message_ && !ended_) {
    const std::size_t size = end_of_frame(bytes.substr(taken));
    input_ = bytes.substr(taken, size);
    taken += size;
    if (wslay_event_recv(context_) != 0)
      fail(WSLAY_CODE_PROTOCOL_ERROR);
    input_ = {};
    if (fault_ != 0) {
      say_close(fault_);
    } else if (wslay_event_get_read_enabled(context_) == 0 && !ended_) { // it said why itself
      ended_ = true;
      close_code_ = wslay_event_get_status_code_sent(context_);
    }
  }
  pump();
  if (close_code_ == WSLAY_CODE_ABNORMAL_CLOSURE && !lost_) // known once it is sent
    close_code_ = wslay_event_get_status_code_sent(context_);
  return ended_ ? bytes.size() : taken;
}

void WebSocketCore::message(std::uint8_t opcode, bool compressed, std::string_view data) {
  if (opcode == WSLAY_CONNECTION_CLOSE) {
    const std::string_view reason = data.size() > 2 ? data.substr(2) : std::string_view();
    if (!is_utf8(reason)) // wslay does not see it when the frame comes in pieces
      return fail(WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA);
    ended_ = true;
    if (close_code_ == 0) {
      close_code_ = wslay_event_get_status_code_received(context_);
      close_reason_ = reason;
    }
    return;
  }
  if (ended_ || (opcode != WSLAY_TEXT_FRAME && opcode != WSLAY_BINARY_FRAME))
    return;
  const bool is_text = opcode == WSLAY_TEXT_FRAME;
  std::string inflated;
  if (compressed) {
    Deflater::Fault fault{};
    inflated = Deflater::decompress(data, options_.max_message, fault);
    if (fault == Deflater::Fault::too_long)
      return fail(WSLAY_CODE_MESSAGE_TOO_BIG);
    if (fault != Deflater::Fault::none || (is_text && !is_utf8(inflated)))
      return fail(WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA);
  } else {
    inflated = data;
  }
  message_ = {is_text, std::move(inflated)};
}

void WebSocketCore::fail(std::uint16_t code) {
  if (fault_ == 0)
    fault_ = code;
  wslay_event_shutdown_read(context_);
}

// Ours, where wslay would say nothing, or no code.
void WebSocketCore::say_close(std::uint16_t code) {
  ended_ = said_close_ = true;
  close_code_ = code;
  wslay_event_shutdown_write(context_);
  const std::array<char, 2> payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  put_frame(WSLAY_CONNECTION_CLOSE, false, {payload.data(), payload.size()});
}

void WebSocketCore::lost() {
  ended_ = lost_ = true;
  if (close_code_ == 0)
    close_code_ = WSLAY_CODE_ABNORMAL_CLOSURE;
  out_.clear();
  room_.set();
  stream_.close();
}

// -- sending -----------------------------------------------------------------------------------

void WebSocketCore::send(std::uint8_t opcode, std::string_view data, Deadline deadline) {
  while (!room_.is_set()) {
    if (!room_.wait(deadline))
      throw TimeoutError("WebSocket.send: the deadline came first");
  }
  if (lost_)
    throw Closed("WebSocket.send: the connection is gone");
  if (said_close_ || wslay_event_get_close_sent(context_) != 0)
    throw Closed("WebSocket.send: it is closed");
  if (deflater_ != nullptr && !wslay_is_ctrl_frame(opcode))
    put_frame(opcode, true, deflater_->compress(data));
  else
    put_frame(opcode, false, data);
  pump();
}

void WebSocketCore::put_frame(std::uint8_t opcode, bool compressed, std::string_view data) {
  append_frame(out_, {opcode, compressed, side_ == Side::client}, data);
}

void WebSocketCore::pump() {
  if (lost_)
    return;
  while (wslay_event_want_write(context_) != 0) {
    if (wslay_event_send(context_) != 0)
      return lost();
  }
  if (out_.size() + in_flight_ >= options_.send_queue)
    room_.clear();
  if (!out_.empty() && !writing_) {
    writing_ = true;
    writer_ = spawn([this] { write_out(); });
  }
}

void WebSocketCore::write_out() {
  while (!out_.empty() && !lost_) {
    const std::string data = std::exchange(out_, {});
    in_flight_ = data.size();
    try {
      for (std::string_view left = data; !left.empty();) {
        const std::size_t sent = stream_.send(left.substr(0, piece_size), options_.write);
        left.remove_prefix(sent);
        in_flight_ -= sent;
        if (out_.size() + in_flight_ < options_.send_queue)
          room_.set();
      }
    } catch (const std::exception&) {
      in_flight_ = 0;
      lost();
    }
  }
  writing_ = false;
}

// -- the end -----------------------------------------------------------------------------------

void WebSocketCore::close(std::uint16_t code, std::string_view reason) {
  if (wslay_event_get_close_sent(context_) == 0 && !lost_ && !said_close_) {
    const int result = wslay_event_queue_close(
        context_, code, reinterpret_cast<const std::uint8_t*>(reason.data()), reason.size());
    if (result == WSLAY_ERR_NOMEM)
      throw std::bad_alloc();
    pump();
  }
  const Deadline deadline = options_.close;
  try {
    if (!receiving_) { // else that greenlet sees the end
      do
        message_.reset();
      while (receive_some(deadline));
      message_.reset();
    }
    if (writing_)
      writer_.join(deadline);
  } catch (const TimeoutError&) {
    lost();
  }
}

} // namespace grove::http::detail
