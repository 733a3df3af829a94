// SPDX-License-Identifier: MIT
// Any bytes as the frames of a WebSocket, of a server or a client, whole and in pieces: the same
// messages and the same end both ways, and where nothing is compressed those of a plain reading of
// RFC 6455; none is longer than the limit, texts are UTF-8, and what is said to the peer is frames
// as the RFC wants them, the close last. Seeds: tests/fuzz/corpus/http_websocket.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../support/memory_stream.hpp"
#include "demand.hpp"
#include "utf8.hpp"
#include "websocket_core.hpp"

namespace {

using namespace grove::http;
using detail::Side;

constexpr std::size_t most = 300;
constexpr std::size_t most_fragments = 5;

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

// -- a plain reading of RFC 6455
// -------------------------------------------------------------------

bool is_plain_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const std::size_t size = byte(0) < 0x80 ? 1 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
    if (byte(0) >= 0xf8 || (byte(0) & 0xc0) == 0x80 || text.size() < size)
      return false;
    char32_t character = size == 1 ? byte(0) : byte(0) & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) {
      if ((byte(i) & 0xc0) != 0x80)
        return false;
      character = character << 6 | (byte(i) & 0x3fU);
    }
    constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (character < least[size] || character > 0x10ffff ||
        (character >= 0xd800 && character <= 0xdfff))
      return false;
    text.remove_prefix(size);
  }
  return true;
}

// Whether bytes could be put behind it that make it UTF-8.
bool begins_utf8(const std::string& text) {
  for (const char* rest : {"", "\x80", "\x80\x80", "\x80\x80\x80", "\xa0\x80", "\x90\x80\x80"}) {
    if (is_plain_utf8(text + rest))
      return true;
  }
  return false;
}

Outcome read_plainly(std::string_view bytes, Side side) {
  Outcome outcome;
  std::string text;     // of the message under way
  unsigned message = 0; // its opcode
  std::size_t fragments = 0;
  const auto end = [&](std::uint16_t code, std::string reason = {}) {
    outcome.code = code;
    outcome.reason = std::move(reason);
    return outcome;
  };
  while (true) {
    if (bytes.size() < 2)
      return end(1006);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const unsigned opcode = byte(0) & 0x0f;
    const bool last = (byte(0) & 0x80) != 0;
    const bool masked = (byte(1) & 0x80) != 0;
    const bool control = opcode >= 8;
    std::uint64_t size = byte(1) & 0x7f;
    if ((byte(0) & 0x70) != 0 || (opcode > 2 && opcode < 8) || opcode > 10 ||
        masked != (side == Side::server) || (control && (!last || size > 125)) ||
        (opcode == 8 && size == 1) || (!control && (opcode == 0) != (message != 0)))
      return end(1002);
    if (opcode == 0 && fragments == most_fragments)
      return end(1008);
    const std::size_t extra = size == 127 ? 8 : size == 126 ? 2 : 0;
    const std::size_t begin = 2 + extra + (masked ? 4 : 0);
    if (bytes.size() < begin)
      return end(1006);
    if (extra != 0) {
      size = 0;
      for (std::size_t i = 2; i < 2 + extra; ++i)
        size = size << 8 | byte(i);
      if (size < 126 || (extra == 8 && size < 65536) || size >= std::uint64_t{1} << 63)
        return end(1002);
    }
    if (!control && size > most - text.size())
      return end(1009);
    std::string data(bytes.substr(begin, size));
    for (std::size_t i = 0; masked && i < data.size(); ++i)
      data[i] = static_cast<char>(data[i] ^ bytes[begin - 4 + i % 4]);
    const bool whole = data.size() == size;
    bytes.remove_prefix(begin + data.size());
    if (control) {
      if (!whole)
        return end(1006);
      if (opcode != 8)
        continue;
      if (data.empty())
        return end(1005);
      const unsigned code =
          static_cast<unsigned char>(data[0]) * 256U + static_cast<unsigned char>(data[1]);
      if (!((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
            (code >= 3000 && code <= 4999)))
        return end(1002);
      if (!is_plain_utf8(data.substr(2)))
        return end(1007);
      return end(static_cast<std::uint16_t>(code), data.substr(2));
    }
    if (opcode != 0) {
      message = opcode;
      fragments = 0;
    }
    ++fragments;
    text += data;
    if (message == 1 && !begins_utf8(text))
      return end(1007);
    if (!whole)
      return end(1006);
    if (!last)
      continue;
    if (message == 1 && !is_plain_utf8(text))
      return end(1007);
    outcome.messages.push_back((message == 1 ? "text " : "binary ") + std::exchange(text, {}));
    message = 0;
  }
}

Outcome receive(std::string_view bytes, std::size_t piece, Side side, bool deflate) {
  grove::test::MemoryStream stream(std::string(bytes), [piece] { return piece; });
  WebSocketOptions options;
  options.max_message = most;
  options.max_fragments = most_fragments;
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
  demand(receive(bytes, data[0] % 16 + 1, side, deflate) == whole);
  if (!deflate)
    demand(read_plainly(bytes, side) == whole);
  return 0;
}
