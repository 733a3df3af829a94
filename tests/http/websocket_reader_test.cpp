// SPDX-License-Identifier: MIT
// Bytes of WebSockets: frames read and written, and what is agreed on about compression.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "deflate_offer.hpp"
#include "deflater.hpp"
#include "utf8.hpp"
#include "websocket_frame.hpp"
#include "websocket_reader.hpp"

namespace grove::http::detail {
namespace {

using Kind = WebSocketEvent::Kind;

struct Read {
  std::vector<std::string> messages{}; // and what else came
  std::uint16_t code = 0;              // of the end
  bool operator==(const Read&) const = default;
};

// In pieces of so many bytes.
Read read(std::string bytes, std::size_t piece, Side from = Side::client, bool deflate = false) {
  WebSocketReader reader(from, deflate, {.message = 100'000, .fragments = 10});
  Read all;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    auto input = std::span<char>(bytes).subspan(at, std::min(piece, bytes.size() - at));
    while (!input.empty()) {
      const WebSocketEvent event = reader.next(input);
      switch (event.kind) {
      case Kind::nothing:
        break;
      case Kind::message:
        all.messages.push_back((event.is_text ? "text " : "binary ") + reader.take(event.data));
        break;
      case Kind::ping:
        all.messages.push_back("ping " + std::string(event.data));
        break;
      case Kind::pong:
        all.messages.push_back("pong " + std::string(event.data));
        break;
      case Kind::close:
        all.messages.push_back("close " + std::string(event.data));
        [[fallthrough]];
      case Kind::fault:
        all.code = event.code;
        return all;
      }
    }
  }
  return all;
}

std::string frame(Opcode opcode, std::string_view data, bool masked = true) {
  std::string bytes;
  append_frame(bytes, {opcode, false, masked}, data);
  return bytes;
}
std::string bytes(std::initializer_list<int> all) {
  std::string text;
  for (const int each : all)
    text += static_cast<char>(each);
  return text;
}

TEST(WebSocketReader, finds_the_same_however_the_bytes_are_cut) {
  std::string all = frame(Opcode::text, "h\xc3\xa4llo") + frame(Opcode::ping, "are you there?") +
                    frame(Opcode::binary, std::string(126, '\xff')) + frame(Opcode::text, "");
  std::string fragment = frame(Opcode::text, "\xf0\x9f");
  fragment[0] = 1;
  all += fragment + frame(Opcode::pong, "") + frame(Opcode::continuation, "\x98\x80");
  all += frame(Opcode::binary, std::string(70'000, 'x')) + frame(Opcode::close, "\x03\xe8"
                                                                                "bye");
  const Read whole = read(all, all.size());
  EXPECT_THAT(whole.messages,
              testing::ElementsAre("text h\xc3\xa4llo", "ping are you there?",
                                   "binary " + std::string(126, '\xff'), "text ", "pong ",
                                   "text \xf0\x9f\x98\x80", "binary " + std::string(70'000, 'x'),
                                   "close bye"));
  EXPECT_EQ(whole.code, 1000);
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 13U, 64U, 1000U, 65'536U})
    EXPECT_EQ(read(all, piece), whole) << piece;
}

TEST(WebSocketReader, takes_lengths_in_the_fewest_bytes_only) {
  for (const std::size_t piece : {1U, 100U}) {
    const auto code = [&](std::initializer_list<int> header) {
      return read(bytes(header) + std::string(126, '\0'), piece, Side::server).code;
    };
    EXPECT_EQ(code({0x82, 126, 0, 125}), 1002);
    EXPECT_EQ(code({0x82, 126, 0, 126}), 0);
    EXPECT_EQ(code({0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}), 1002);
    EXPECT_EQ(code({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}), 0);
    EXPECT_EQ(code({0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0}), 1002); // 2^63 and more do not exist
    EXPECT_EQ(code({0x82, 127, 0x7f, 0, 0, 0, 0, 1, 0, 0}), 1009);
  }
}

TEST(WebSocketReader, wants_the_mask_that_a_side_must_use) {
  EXPECT_EQ(read(frame(Opcode::text, "x", false), 9, Side::client).code, 1002);
  EXPECT_EQ(read(frame(Opcode::text, "x", true), 9, Side::server).code, 1002);
  EXPECT_EQ(read(frame(Opcode::text, "x", false), 9, Side::server).code, 0);
}

// RFC 7692, 6: the first reserved bit, once agreed on, of a message's first frame.
TEST(WebSocketReader, reserved_bits_are_faults_but_for_a_compressed_message) {
  const auto code = [](int first, bool deflate) {
    return read(bytes({first, 1, 'x'}), 9, Side::server, deflate).code;
  };
  EXPECT_EQ(code(0xc1, false), 1002);
  EXPECT_EQ(code(0xc1, true), 0);
  EXPECT_EQ(code(0xa1, true), 1002);
  EXPECT_EQ(code(0x91, true), 1002);
  EXPECT_EQ(code(0xc9, true), 1002);
  EXPECT_EQ(read(bytes({0x41, 1, 'x', 0xc0, 1, 'x'}), 9, Side::server, true).code, 1002);
}

TEST(WebSocketReader, close_codes_are_those_of_the_register) {
  const auto answer = [](int code) {
    return read(bytes({0x88, 2, code >> 8, code & 255}), 9, Side::server).code;
  };
  for (const int good : {1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999})
    EXPECT_EQ(answer(good), good);
  for (const int bad : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535})
    EXPECT_EQ(answer(bad), 1002) << bad;
  EXPECT_EQ(read(bytes({0x88, 0}), 9, Side::server).code, 1005); // none was given
}

TEST(WebSocketReader, a_good_reason_may_come_in_pieces) {
  const std::string all = frame(Opcode::close, "\x03\xe8"
                                               "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x98\x80");
  for (std::size_t piece = 1; piece < all.size(); ++piece)
    EXPECT_EQ(read(all, piece).messages.at(0), "close gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x98\x80");
}

TEST(WebSocketReader, text_is_refused_at_its_first_wrong_byte) {
  WebSocketReader reader(Side::server, false, {.message = 1000, .fragments = 10});
  std::string good = bytes({0x81, 100, 'a', 0xed});
  std::span<char> input(good);
  EXPECT_EQ(reader.next(input).kind, Kind::nothing);
  std::string surrogate = "\xa0";
  input = surrogate;
  EXPECT_EQ(reader.next(input).code, 1007);
}

TEST(WebSocketReader, an_announced_length_takes_no_memory) {
  WebSocketReader reader(Side::server, false, {.message = std::size_t{1} << 40, .fragments = 10});
  std::string header = bytes({0x82, 127, 0, 0, 0, 0xff, 0, 0, 0, 0, 'x'}); // a terabyte
  std::span<char> input(header);
  EXPECT_EQ(reader.next(input).kind, Kind::nothing);
}

TEST(Utf8Check, agrees_with_the_table_of_the_rfc_about_all_starts) {
  // RFC 3629, 4, row by row, for each two bytes and then good ones.
  const auto expected = [](int a, int b) {
    const auto within = [](int x, int low, int high) { return x >= low && x <= high; };
    const bool tail = within(b, 0x80, 0xbf);
    return (within(a, 0xc2, 0xdf) && tail) || (a == 0xe0 && within(b, 0xa0, 0xbf)) ||
           (within(a, 0xe1, 0xec) && tail) || (a == 0xed && within(b, 0x80, 0x9f)) ||
           (within(a, 0xee, 0xef) && tail) || (a == 0xf0 && within(b, 0x90, 0xbf)) ||
           (within(a, 0xf1, 0xf3) && tail) || (a == 0xf4 && within(b, 0x80, 0x8f));
  };
  for (int a = 0x80; a < 0x100; ++a) {
    const std::string rest(a >= 0xf0 ? 2 : a >= 0xe0 ? 1 : 0, '\x80');
    for (int b = 0; b < 0x100; ++b)
      EXPECT_EQ(is_utf8("some text" + bytes({a, b}) + rest + "more"), expected(a, b))
          << a << " " << b;
    EXPECT_FALSE(is_utf8(bytes({a})));
  }
}

TEST(WebSocketFrame, a_mask_is_undone_from_any_byte_on) {
  const std::string plain = "A text of some length, to be cut anywhere.";
  for (std::size_t size = 0; size <= plain.size(); ++size) {
    for (std::size_t cut = 0; cut <= size; ++cut) {
      std::string data = plain.substr(0, size);
      std::string expected = data;
      const std::string mask = bytes({0x12, 0x34, 0xab, 0xcd});
      for (std::size_t i = 0; i < size; ++i)
        expected[i] = static_cast<char>(expected[i] ^ mask[i % 4]);
      Mask word = 0;
      std::memcpy(&word, mask.data(), sizeof word);
      word = apply_mask(word, data.data(), cut);
      apply_mask(word, data.data() + cut, size - cut);
      ASSERT_EQ(data, expected) << cut << " of " << size;
    }
  }
}

// RFC 7692, 7.1.2: and no reference is farther back than was agreed on.
TEST(Deflate, compresses_within_any_window) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += std::to_string(i * i % 977) + (i % 7 == 0 ? "aaaaaaaa" : " ");
  for (int bits = 8; bits <= 15; ++bits) {
    const std::string small = compress_message(text, bits);
    EXPECT_LT(small.size(), text.size());
    InflateFault fault{};
    EXPECT_EQ(decompress_message(small, bits, text.size(), fault), text) << bits;
    EXPECT_EQ(decompress_message(small, bits, text.size() - 1, fault), "");
    EXPECT_EQ(fault, InflateFault::too_long);
  }
  InflateFault fault{};
  decompress_message(compress_message(text, 15), 9, text.size(), fault);
  EXPECT_EQ(fault, InflateFault::broken);
}

Fields extensions(std::string_view value) {
  Fields fields;
  fields.add("Sec-WebSocket-Extensions", value);
  return fields;
}
const std::string resets =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

TEST(Deflate, a_server_answers_with_the_windows_that_were_asked_for) {
  const auto answer = [](std::string_view offer, int bits = 15) {
    Agreement agreement;
    const std::string text = accept_deflate(extensions(offer), bits, agreement);
    EXPECT_EQ(agreement.deflate, !text.empty());
    return text + " " + std::to_string(agreement.our_window_bits) + " " +
           std::to_string(agreement.their_window_bits);
  };
  EXPECT_EQ(answer("permessage-deflate"), resets + " 15 15");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits"), resets + " 15 15");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=\"10\""), resets + " 15 10");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8"),
            resets + "; server_max_window_bits=8 8 15");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits; server_max_window_bits=12", 11),
            resets + "; server_max_window_bits=11; client_max_window_bits=11 11 11");
  EXPECT_EQ(answer("permessage-deflate", 9), resets + "; server_max_window_bits=9 9 15");
  for (const char* bad :
       {"server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16",
        "server_max_window_bits=09", "client_max_window_bits=", "client_no_context_takeover=1",
        "other", "client_max_window_bits; client_max_window_bits=9",
        "server_no_context_takeover; server_no_context_takeover"})
    EXPECT_EQ(answer("permessage-deflate; " + std::string(bad)), " 15 15") << bad;
  EXPECT_EQ(answer("other, permessage-deflate; x, permessage-deflate"), resets + " 15 15");
}

TEST(Deflate, a_client_takes_the_answers_to_its_offer) {
  EXPECT_EQ(deflate_offer(15), resets + "; client_max_window_bits");
  EXPECT_EQ(deflate_offer(10), resets + "; client_max_window_bits=10; server_max_window_bits=10");
  const auto takes = [](std::string_view answer, int bits = 15) {
    Agreement agreement;
    const bool taken = takes_deflate(extensions(answer), bits, agreement);
    EXPECT_EQ(agreement.deflate, taken);
    return taken ? std::to_string(agreement.our_window_bits) + " " +
                       std::to_string(agreement.their_window_bits)
                 : "refused";
  };
  EXPECT_EQ(takes(resets), "15 15");
  EXPECT_EQ(takes("permessage-deflate; server_no_context_takeover"), "15 15");
  EXPECT_EQ(takes("permessage-deflate"), "refused"); // it would count on what it sent before
  EXPECT_EQ(takes(resets + "; client_max_window_bits=9"), "9 15");
  EXPECT_EQ(takes(resets + "; client_max_window_bits"), "refused");
  EXPECT_EQ(takes(resets + "; server_max_window_bits=12"), "15 12");
  EXPECT_EQ(takes(resets + "; server_max_window_bits=12", 11), "refused");
  EXPECT_EQ(takes(resets, 11), "refused"); // it was asked for less
  EXPECT_EQ(takes(resets + "; server_max_window_bits=10", 11), "11 10");
  EXPECT_EQ(takes(resets + "; other"), "refused");
  EXPECT_EQ(takes(resets + ", permessage-deflate"), "refused");
}

} // namespace
} // namespace grove::http::detail
