// SPDX-License-Identifier: MIT
// PROXY protocol: headers of both versions, what is refused, and not a byte too many.
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/proxy_protocol.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"
#include "../support/memory_stream.hpp"
#include "../support/python.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::ProxyError;
using net::ProxyHeader;
using net::read_proxy_header;
using std::string_view_literals::operator""sv;
using Reason = ProxyError::Reason;

class ProxyProtocolTest : public HubTest {};

std::string head(unsigned command, unsigned kind, std::size_t size) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n"sv);
  for (const std::size_t byte : {std::size_t{command}, std::size_t{kind}, size >> 8U, size & 0xffU})
    bytes += static_cast<char>(byte);
  return bytes;
}

Reason refusal(std::string_view bytes) {
  try {
    ProxyHeader::parse(bytes);
  } catch (const ProxyError& error) {
    return error.reason();
  }
  ADD_FAILURE() << "taken: " << bytes;
  return {};
}

// -- version 1 -----------------------------------------------------------------------------------

TEST_F(ProxyProtocolTest, version_1_says_who_and_where) {
  ProxyHeader header = ProxyHeader::parse("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n");
  EXPECT_EQ(header.version, 1);
  EXPECT_EQ(header.source, Address::parse("192.0.2.1:56324"));
  EXPECT_EQ(header.destination, Address::parse("198.51.100.7:443"));
  header = ProxyHeader::parse("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n");
  EXPECT_EQ(header.source, Address::parse("[2001:db8::1]:0"));
  EXPECT_EQ(header.destination, Address::parse("[::1]:65535"));
  for (const char* text : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN whatever it says\r\n"})
    EXPECT_EQ(ProxyHeader::parse(text).source, Address());
}

TEST_F(ProxyProtocolTest, version_1_is_taken_strictly) {
  for (const std::string_view text : {
           "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n\r\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\nGET /"sv,
           "PROXY TCP4 192.0.2.1\r 198.51.100.7 56324 443\r\n"sv,
           "PROXY  TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 56324  443\r\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 1\r\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 56324 0443\r\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 -1 443\r\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 99999999999 443\r\n"sv,
           "PROXY TCP4 192.0.2.1 198.51.100.7 +1 443\r\n"sv,
           "PROXY TCP4 192.0.2.01 198.51.100.7 1 443\r\n"sv,
           "PROXY TCP4 ::1 ::1 1 443\r\n"sv,
           "PROXY TCP6 192.0.2.1 198.51.100.7 1 443\r\n"sv,
           "PROXY TCP6 fe80::1%lo ::1 1 443\r\n"sv,
           "PROXY TCP4 localhost 198.51.100.7 1 443\r\n"sv,
           "PROXY TCP4 192.0.2.1\0 198.51.100.7 1 443\r\n"sv,
           "PROXY UDP4 192.0.2.1 198.51.100.7 1 443\r\n"sv,
           "PROXY UNKNOWNS\r\n"sv,
           "PROXY \r\n"sv,
           "PROXY "sv,
       }) {
    EXPECT_EQ(refusal(text), Reason::malformed) << text;
  }
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n"), Reason::not_proxy);
  EXPECT_EQ(refusal("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n"), Reason::not_proxy);
  EXPECT_EQ(refusal(""), Reason::not_proxy);
  EXPECT_EQ(refusal("PROXY UNKNOWN " + std::string(100, 'x') + "\r\n"), Reason::too_long);
}

// -- version 2 -----------------------------------------------------------------------------------

TEST_F(ProxyProtocolTest, version_2_says_who_and_where) {
  const std::string four =
      head(0x21, 0x11, 12) + std::string("\xc0\0\2\1\xc6\x33\x64\7\xdc\4\1\xbb"sv);
  ProxyHeader header = ProxyHeader::parse(four);
  EXPECT_EQ(header.version, 2);
  EXPECT_EQ(header.source, Address::parse("192.0.2.1:56324"));
  EXPECT_EQ(header.destination, Address::parse("198.51.100.7:443"));
  EXPECT_FALSE(header.datagram);
  EXPECT_TRUE(header.fields.empty());

  std::string local(216, '\0');
  local.replace(0, 6, "/run/a");
  local.replace(109, 4, "name");
  header = ProxyHeader::parse(head(0x21, 0x32, 216) + local);
  EXPECT_EQ(header.source, Address::unix_path("/run/a"));
  EXPECT_EQ(header.destination, Address::unix_path("@name"));
  EXPECT_TRUE(header.datagram);
}

TEST_F(ProxyProtocolTest, a_health_check_says_nothing_of_addresses) {
  EXPECT_EQ(ProxyHeader::parse(head(0x20, 0x00, 0)).source, Address());
  EXPECT_EQ(ProxyHeader::parse(head(0x20, 0xff, 5) + "junk!").source, Address());
  EXPECT_EQ(ProxyHeader::parse(head(0x21, 0x00, 5) + "what?").source, Address());
}

TEST_F(ProxyProtocolTest, fields_come_with_it) {
  const std::string addresses(12, '\1');
  const ProxyHeader header = ProxyHeader::parse(head(0x21, 0x11, 12 + 5 + 6 + 3) + addresses +
                                                std::string("\1\0\2h2\4\0\3pad\5\0\0"sv));
  EXPECT_EQ(header.fields, (std::vector<ProxyHeader::Field>{{1, "h2"}, {5, ""}}));
}

TEST_F(ProxyProtocolTest, version_2_is_taken_strictly) {
  const std::string addresses(12, '\1');
  const std::vector<std::string> bad{
      head(0x21, 0x11, 12) + std::string(11, '\1'), // shorter than it says
      head(0x21, 0x11, 12) + std::string(13, '\1'), // longer
      head(0x21, 0x11, 11) + std::string(11, '\1'), // no room for the addresses
      head(0x21, 0x21, 35) + std::string(35, '\1'),
      head(0x21, 0x31, 215) + std::string(215, '\1'),
      head(0x21, 0x31, 216) + std::string(216, '\1'), // paths without their ends
      head(0x21, 0x31, 216) + "@" + std::string(215, '\0'),
      head(0x22, 0x11, 12) + addresses, // an unknown command
      head(0x31, 0x11, 12) + addresses, // an unknown version
      head(0x21, 0x13, 12) + addresses, // unknown kinds
      head(0x21, 0x41, 12) + addresses,
      head(0x21, 0x01, 12) + addresses,
      head(0x21, 0x10, 12) + addresses,
      head(0x21, 0x11, 14) + addresses + std::string("\1\0"sv), // fields that are cut off
      head(0x21, 0x11, 16) + addresses + std::string("\1\0\2h"sv),
      head(0x21, 0x11, 17) + addresses + std::string("\3\0\2ab"sv), // a checksum of 2 bytes
      head(0x21, 0x11, 12).substr(0, 15),
  };
  for (const std::string& bytes : bad)
    EXPECT_EQ(refusal(bytes), Reason::malformed) << bytes.size();
}

TEST_F(ProxyProtocolTest, a_checksum_is_checked) {
  ProxyHeader header;
  header.source = Address::parse("192.0.2.1:1");
  header.destination = Address::parse("192.0.2.2:2");
  std::string bytes = header.encode();
  EXPECT_EQ(ProxyHeader::parse(bytes), header);
  for (std::size_t i = 16; i < bytes.size(); ++i) {
    if (i == 16 + 12) // it would be a field of another type
      continue;
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    EXPECT_THROW(ProxyHeader::parse(changed), ProxyError) << i;
  }
  bytes[17] = static_cast<char>(bytes[17] ^ 1);
  EXPECT_EQ(refusal(bytes), Reason::bad_checksum);
}

// -- what is sent --------------------------------------------------------------------------------

TEST_F(ProxyProtocolTest, what_is_encoded_is_parsed) {
  const std::vector<std::pair<const char*, const char*>> pairs{
      {"192.0.2.1:1", "192.0.2.2:65535"},
      {"[2001:db8::1]:56324", "[::ffff:192.0.2.1]:443"},
      {"unix:/run/a", "unix:@name"},
  };
  for (const auto& [source, destination] : pairs) {
    for (const bool datagram : {false, true}) {
      ProxyHeader header{2,
                         Address::parse(source),
                         Address::parse(destination),
                         datagram,
                         {{1, "h2"}, {2, "example.org"}, {0xe0, std::string(1000, 'x')}}};
      EXPECT_EQ(ProxyHeader::parse(header.encode()), header) << source;
    }
    ProxyHeader first{1, Address::parse(source), Address::parse(destination)};
    if (first.source.is_unix())
      EXPECT_THROW(first.encode(), std::invalid_argument);
    else
      EXPECT_EQ(ProxyHeader::parse(first.encode()), first) << source;
  }
  for (const int version : {1, 2})
    EXPECT_EQ(ProxyHeader::parse(ProxyHeader{version}.encode()), ProxyHeader{version});
}

TEST_F(ProxyProtocolTest, what_cannot_be_said_is_refused) {
  const Address four = Address::loopback(1);
  const Address six = Address::parse("[::1]:1");
  for (const ProxyHeader& header : std::vector<ProxyHeader>{
           {2, four, six},
           {2, four, {}},
           {3, four, four},
           {1, four, four, true},
           {1, four, four, false, {{1, "h2"}}},
           {2, {}, {}, false, {{1, "h2"}}},
           {2, four, four, false, {{3, "sum?"}}},
           {2, four, four, false, {{1, std::string(70'000, 'x')}}},
           {2, four, four, false, {{1, std::string(40'000, 'x')}, {1, std::string(40'000, 'x')}}},
       }) {
    EXPECT_THROW(header.encode(), std::invalid_argument);
  }
}

// -- off a stream --------------------------------------------------------------------------------

TEST_F(ProxyProtocolTest, not_a_byte_too_many_is_taken_however_it_comes) {
  const auto seed = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  const Address four = Address::parse("192.0.2.1:56324");
  const Address six = Address::parse("[2001:db8::1:2]:443");
  const std::vector<ProxyHeader> headers{
      {1},
      {2},
      {1, four, four},
      {1, six, six},
      {2, four, four},
      {2, six, six, false, {{1, "h2"}}},
      {1, Address::parse("0.0.0.0:0"), Address::parse("0.0.0.0:0")},
      {1, Address::parse("[::]:0"), Address::parse("[::]:0")},
  };
  for (const ProxyHeader& header : headers) {
    const std::string rest = "\r\nPROXY and more\r\n";
    for (const std::size_t most : {1U, 2U, 7U, 10'000U}) {
      MemoryStream stream(header.encode() + rest, [&] { return 1 + random() % most; });
      EXPECT_EQ(read_proxy_header(stream, 10s), header);
      EXPECT_EQ(stream.left(), rest.size());
    }
  }
  MemoryStream unknown("PROXY UNKNOWN whatever it says\r\nrest");
  EXPECT_EQ(read_proxy_header(unknown, 10s), ProxyHeader{1});
  EXPECT_EQ(unknown.left(), 4u);
}

TEST_F(ProxyProtocolTest, an_ordinary_header_takes_few_calls) {
  MemoryStream stream("PROXY TCP4 192.168.100.101 198.51.100.7 56324 443\r\n");
  read_proxy_header(stream, 10s);
  EXPECT_LE(stream.reads, 15u);
}

TEST_F(ProxyProtocolTest, somebody_else_is_found_out_at_the_first_byte_that_differs) {
  for (const char* text : {"GET / HTTP/1.1\r\n", "P", "PROXX", "\r\n\r\nx", "\x16\x03\x01"}) {
    Connected ends = Connected::unix_pair();
    ends.client.send_all(text);
    if (std::string(text) == "P") {
      EXPECT_THROW(read_proxy_header(ends.server, 1ms), TimeoutError) << "it may still be one";
      continue;
    }
    try {
      read_proxy_header(ends.server, 10s);
      ADD_FAILURE() << text;
    } catch (const ProxyError& error) {
      EXPECT_EQ(error.reason(), Reason::not_proxy);
      EXPECT_NE(std::string(error.what()).find(ends.server.name()), std::string::npos);
    }
  }
}

TEST_F(ProxyProtocolTest, limits_hold_before_all_is_there) {
  MemoryStream longest(head(0x21, 0x11, 0xffff));
  try {
    read_proxy_header(longest, 10s);
    ADD_FAILURE();
  } catch (const ProxyError& error) {
    EXPECT_EQ(error.reason(), Reason::too_long);
  }
  MemoryStream line("PROXY UNKNOWN " + std::string(1000, 'x'));
  EXPECT_THROW(read_proxy_header(line, 10s), ProxyError);
  EXPECT_GE(line.left(), 1014u - 107);
}

TEST_F(ProxyProtocolTest, an_end_or_a_pause_in_it_is_told) {
  MemoryStream half("PROXY TCP4 192.0.2.1 ");
  EXPECT_NE(text_of<Closed>([&] { read_proxy_header(half, 10s); }).find("after 21 bytes"),
            std::string::npos);
  Connected ends = Connected::tcp();
  auto dripper = spawn([&] {
    for (const char c : head(0x21, 0x11, 1000) + std::string(1000, 'x')) {
      ends.client.send_all({&c, 1});
      sleep(1ms);
    }
  });
  EXPECT_THROW(read_proxy_header(ends.server, 30ms), TimeoutError);
  dripper.kill();
}

TEST_F(ProxyProtocolTest, python_understands_what_is_sent) {
  net::Listener listener(Address::loopback());
  auto child = spawn([&] {
    return python(
        "import socket, struct, sys\n"
        "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 30)\n"
        "f = s.makefile('rb')\n"
        "print(f.readline().decode().strip())\n"
        "h = f.read(16)\n"
        "assert h[:12] == b'\\r\\n\\r\\n\\0\\r\\nQUIT\\n'\n"
        "a = f.read(struct.unpack('!H', h[14:])[0])\n"
        "print(hex(h[12]), hex(h[13]), socket.inet_ntoa(a[:4]), socket.inet_ntoa(a[4:8]),\n"
        "      *struct.unpack('!HH', a[8:12]))\n",
        {std::to_string(listener.local_address().port())});
  });
  net::StreamSocket socket = listener.accept(60s);
  ProxyHeader header{1, Address::parse("192.0.2.1:56324"), Address::parse("198.51.100.7:443")};
  socket.send_all(header.encode());
  header.version = 2;
  socket.send_all(header.encode());
  EXPECT_EQ(child.get(), "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n"
                         "0x21 0x11 192.0.2.1 198.51.100.7 56324 443\n");
}

} // namespace
} // namespace grove::test
