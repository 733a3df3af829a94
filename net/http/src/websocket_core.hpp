// SPDX-License-Identifier: MIT
// WebSocketCore: wslay between a stream and messages.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <grove/http/websocket.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/stream.hpp>

struct wslay_event_context;

namespace grove::http::detail {

class Deflater;

enum class Side { server, client };

// What both sides agreed on.
struct Agreement {
  std::string protocol{};
  bool deflate = false;
  int our_window_bits = 15; // of what we compress
};

// Reading is the work of whoever receives: bytes go through wslay at once, and never wait here.
// Writing is that of a greenlet of its own, which lives while there is something to send, so that a
// kill of a sender tears no frame.
class WebSocketCore {
public:
  // `received`: what came with the handshake. The stream outlives this unless it is owned.
  WebSocketCore(Side side, net::Stream& stream, std::unique_ptr<net::Stream> owned,
                std::string received, Agreement agreement, WebSocketOptions options);
  WebSocketCore(const WebSocketCore&) = delete;
  WebSocketCore& operator=(const WebSocketCore&) = delete;
  ~WebSocketCore();

  std::optional<WebSocket::Message> recv(Deadline deadline);
  void send(std::uint8_t opcode, std::string_view data, Deadline deadline);
  void close(std::uint16_t code, std::string_view reason);

  bool is_open() const;
  std::uint16_t close_code() const { return close_code_; }
  const std::string& close_reason() const { return close_reason_; }
  const std::string& protocol() const { return agreement_.protocol; }

private:
  struct Callbacks;

  bool receive_some(Deadline deadline);     // false when there will be no more
  std::size_t feed(std::string_view bytes); // how many were taken: up to the end of a message
  std::size_t end_of_frame(std::string_view bytes);
  void message(std::uint8_t opcode, bool compressed, std::string_view data);
  void fail(std::uint16_t code); // a fault of the peer's; noted, during feed()
  void say_close(std::uint16_t code);
  void lost(); // the connection is gone
  void put_frame(std::uint8_t opcode, bool compressed, std::string_view data);
  void pump();      // from wslay to out_
  void write_out(); // the writer

  Side side_;
  std::unique_ptr<net::Stream> owned_;
  net::Stream& stream_;
  Agreement agreement_;
  WebSocketOptions options_;
  wslay_event_context* context_ = nullptr;
  std::unique_ptr<Deflater> deflater_;

  std::string_view input_; // what wslay has not taken yet, during feed()
  std::string backlog_;    // received, and not fed yet: a message is answered before the next
  std::array<unsigned char, 14> header_{};
  std::size_t header_size_ = 0;
  std::uint64_t payload_left_ = 0;
  std::optional<WebSocket::Message> message_; // received, and not taken yet
  std::size_t fragments_ = 0;
  std::chrono::steady_clock::time_point heard_;
  bool pinged_ = false;
  bool ended_ = false; // nothing more is received
  bool lost_ = false;  // nor sent
  bool receiving_ = false;
  std::uint16_t fault_ = 0;
  bool said_close_ = false; // not by wslay
  std::uint16_t close_code_ = 0;
  std::string close_reason_;

  std::string out_; // framed, not yet in the writer's hands
  std::size_t in_flight_ = 0;
  GreenletRef<> writer_;
  bool writing_ = false;
  Event room_; // set while the line is not full
};

} // namespace grove::http::detail
