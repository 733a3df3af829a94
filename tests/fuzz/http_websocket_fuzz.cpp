// SPDX-License-Identifier: MIT
// Any bytes as the frames of a WebSocket, of a server or a client, whole and in pieces: the same
// messages and the same end both ways; none is longer than the limit, texts are UTF-8, and what is
// said to the peer is frames as RFC 6455 wants them, the close last.
// Seeds: tests/fuzz/corpus/http_websocket.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "../support/memory_stream.hpp"
#include "demand.hpp"
#include "utf8.hpp"
#include "websocket_core.hpp"

namespace {

using namespace grove::http;
using detail::Side;

constexpr std::size_t most = 300;

struct Outcome {
  std::vector<std::string> messages{};
  std::uint16_t code = 0;
  std::string reason{};
  bool operator==(const Outcome&) const = default;
};

// RFC 6455, 5.2: of what one side sent, all of which is short.
void check_frames(std::string_view sent, Side side) {
  bool closed = false;
  while (!sent.empty()) {
    demand(!closed && sent.size() >= 2);
    const auto first = static_cast<unsigned char>(sent[0]);
    const auto second = static_cast<unsigned char>(sent[1]);
    const unsigned opcode = first & 0x0f;
    demand((first & 0x30) == 0 && (opcode <= 2 || (opcode >= 8 && opcode <= 10)));
    demand(((second & 0x80) != 0) == (side == Side::client));
    std::size_t size = second & 0x7f;
    std::size_t begin = 2;
    demand(size != 127 && (opcode < 8 || (size <= 125 && (first & 0x80) != 0)));
    if (size == 126) {
      demand(sent.size() >= 4);
      size = static_cast<std::size_t>(static_cast<unsigned char>(sent[2])) << 8 |
             static_cast<unsigned char>(sent[3]);
      begin = 4;
      demand(size >= 126);
    }
    begin += side == Side::client ? 4U : 0U;
    demand(sent.size() >= begin + size);
    sent.remove_prefix(begin + size);
    closed = opcode == 8;
  }
}

Outcome receive(std::string_view bytes, std::size_t piece, Side side, bool deflate) {
  grove::test::MemoryStream stream(std::string(bytes), [piece] { return piece; });
  WebSocketOptions options;
  options.max_message = most;
  options.max_fragments = 5;
  detail::Agreement agreement;
  agreement.deflate = deflate;
  Outcome outcome;
  {
    detail::WebSocketCore core(side, stream, nullptr, {}, agreement, options);
    while (auto message = core.recv({})) {
      demand(message->data.size() <= most);
      demand(!message->is_text || detail::is_utf8(message->data));
      outcome.messages.push_back((message->is_text ? "text " : "binary ") + message->data);
    }
    outcome.code = core.close_code();
    outcome.reason = core.close_reason();
    demand(outcome.code != 0 && detail::is_utf8(outcome.reason));
    core.close(1000, {});
  }
  check_frames(stream.sent, side);
  return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Side side = (data[0] & 0x80) != 0 ? Side::client : Side::server;
  const bool deflate = (data[0] & 0x40) != 0;
  const Outcome whole = receive(bytes, bytes.size() + 1, side, deflate);
  const Outcome pieces = receive(bytes, data[0] % 16 + 1, side, deflate);
  // Of a frame that is broken in several ways, or is cut off besides, what is seen first is said;
  // and wslay 1.1 may take a good reason that comes in pieces for one that is not UTF-8.
  const auto is_fault = [](std::uint16_t code) {
    return code == 1002 || code == 1006 || code == 1007 || code == 1009;
  };
  if (is_fault(whole.code) || is_fault(pieces.code))
    demand(pieces.messages == whole.messages);
  else
    demand(pieces == whole);
  return 0;
}
