// SPDX-License-Identifier: MIT
// WebSocketCore: between a stream and messages.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <grove/http/websocket.hpp>
#include <grove/hub/detail/identity.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/stream.hpp>
#include <grove/net/stream_socket.hpp>

#include "websocket_frame.hpp"
#include "websocket_reader.hpp"

namespace grove::http::detail {

// What both sides agreed on.
struct Agreement {
  std::string protocol{};
  bool deflate = false;
  int our_window_bits = 15;   // of what we compress
  int their_window_bits = 15; // of what they do
};

// std::invalid_argument for what is out of its range.
void check(const WebSocketOptions& options);

// Reading is the work of whoever receives. What is sent leaves at once where the kernel has room
// for it; else, and when more than one message is sent in a row, it is that of a greenlet of its
// own, which lives while there is something to send: a kill of a sender tears no frame. Another one
// looks after a while whether the peer still lives: no call of recv() has a timer for that.
class WebSocketCore {
public:
  // `received`: what came with the handshake. The stream outlives this unless it is owned.
  WebSocketCore(Side side, net::Stream& stream, std::unique_ptr<net::Stream> owned,
                std::string received, Agreement agreement, const WebSocketOptions& options);
  WebSocketCore(const WebSocketCore&) = delete;
  WebSocketCore& operator=(const WebSocketCore&) = delete;
  ~WebSocketCore();

  std::optional<WebSocket::Message> recv(Deadline deadline);
  void send(Opcode opcode, std::string_view data, Deadline deadline);
  void close(std::uint16_t code, std::string_view reason);

  bool is_open() const { return !ended_ && !lost_ && !said_close_; }
  std::uint16_t close_code() const { return close_code_; }
  const std::string& close_reason() const { return close_reason_; }
  const std::string& protocol() const { return agreement_.protocol; }

private:
  using Message = WebSocket::Message;
  using milliseconds = std::chrono::milliseconds;

  std::span<char> receive(Deadline deadline); // empty when there will be no more
  void look_ahead() const;
  void read(std::span<char>& input, std::optional<Message>& message);
  void take(const WebSocketEvent& event, std::optional<Message>& message);
  void note(const WebSocketEvent& event); // one that is no message
  void end_with(const WebSocketEvent& close);
  void fail(std::uint16_t code); // a fault of the peer's
  void lost();                   // the connection is gone
  void put(Opcode opcode, std::string_view data, bool compressed = false);
  void put_close(std::uint16_t code, std::string_view reason);
  std::string_view leave_at_once(std::string_view frame); // what has not left
  void write_out();                                       // the writer
  void watch(milliseconds after);
  void look_for_life();
  void read_out(Deadline deadline);

  // What each message needs comes first.
  net::Stream& stream_;
  net::StreamSocket* socket_;                   // the same, if it is one
  grove::detail::Identity* receiver_ = nullptr; // the greenlet that is in recv()
  const Side side_;
  bool ended_ = false;      // nothing more is received
  bool lost_ = false;       // nor sent
  bool said_close_ = false; // likewise
  bool writing_ = false;
  bool at_once_ = true; // nothing was sent since the last wait for the peer, or for the writer
  bool pinged_ = false;
  bool parted_ = false; // nothing more comes
  std::chrono::steady_clock::time_point heard_;
  std::size_t backlog_left_ = 0; // of what was received, not read yet
  Event room_;                   // set while the line is not full
  WebSocketReader reader_;

  std::string backlog_; // a message is answered before the next is looked at
  std::string out_;     // frames that are not in the writer's hands yet
  std::size_t in_flight_ = 0;
  std::size_t send_queue_;
  std::size_t max_message_;
  milliseconds ping_, dead_, write_, close_;
  Agreement agreement_;
  GreenletRef<> writer_;
  GreenletRef<> watch_;
  std::unique_ptr<net::Stream> owned_;
  std::uint16_t close_code_ = 0;
  std::string close_reason_;
};

} // namespace grove::http::detail
