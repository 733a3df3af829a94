// SPDX-License-Identifier: MIT
// Keys and the text they are written in.
#include <grove/zmq/curve.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq/plain.hpp>
#include <grove/zmq/z85.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using test::text_of;
using ::testing::HasSubstr;

// The test case of RFC 32.
constexpr std::array<unsigned char, 8> hello_bytes{0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};

TEST(Z85Test, encodes_and_decodes_the_example_of_the_specification) {
  const auto bytes = std::as_bytes(std::span(hello_bytes));
  EXPECT_EQ(z85_encode(bytes), "HelloWorld");
  EXPECT_EQ(z85_decode("HelloWorld"), std::vector<std::byte>(bytes.begin(), bytes.end()));
  EXPECT_EQ(z85_encode({}), "");
  EXPECT_TRUE(z85_decode("").empty());
}

TEST(Z85Test, refuses_what_is_no_z85_and_tells_why) {
  const auto why = [](std::string_view text) {
    return text_of<std::invalid_argument>([&] { static_cast<void>(z85_decode(text)); });
  };
  EXPECT_THAT(why("Hell"), HasSubstr("4 characters, not a multiple of five"));
  EXPECT_THAT(why("Hel oWorld"), HasSubstr("character 4 is none of Z85"));
  EXPECT_THAT(why(std::string("Hell\0", 5)), HasSubstr("character 5"));
  EXPECT_THAT(why("Hell\xff"), HasSubstr("character 5"));
  EXPECT_THAT(why("#####"), HasSubstr("more than four bytes"));
  const std::array<std::byte, 3> three{};
  EXPECT_THROW(z85_encode(three), std::invalid_argument);
}

TEST(CurveTest, each_key_pair_is_another_and_the_secret_tells_the_public_key) {
  const CurveKeyPair one = CurveKeyPair::generate(), other = CurveKeyPair::generate();
  EXPECT_NE(one.public_key(), other.public_key());
  EXPECT_NE(one.secret_key(), other.secret_key());
  EXPECT_TRUE(is_curve_key(one.public_key()));
  EXPECT_TRUE(is_curve_key(one.secret_key()));
  EXPECT_EQ(CurveKeyPair::from_secret(one.secret_key()).public_key(), one.public_key());
}

TEST(CurveTest, a_moved_pair_takes_its_secret_along) {
  CurveKeyPair pair = CurveKeyPair::generate();
  const std::string secret(pair.secret_key());
  const CurveKeyPair moved = std::move(pair);
  EXPECT_EQ(moved.secret_key(), secret);
  EXPECT_TRUE(pair.secret_key().empty()); // NOLINT(bugprone-use-after-move): it says so
}

TEST(CurveTest, malformed_keys_are_refused_without_being_repeated) {
  const std::string secret = "not a key, but secret all the same";
  const std::string text =
      text_of<std::invalid_argument>([&] { CurveKeyPair::from_secret(secret); });
  EXPECT_THAT(text, HasSubstr("a key of 34 characters, where 40 of Z85 are expected"));
  EXPECT_EQ(text.find("not a key"), std::string::npos);
  EXPECT_FALSE(is_curve_key(std::string(40, '#'))); // too large a number
  EXPECT_FALSE(is_curve_key(std::string(40, ' ')));
  EXPECT_FALSE(is_curve_key(""));
}

TEST(SecretTest, equals_only_the_same_text) {
  const detail::Secret secret("open sesame"), empty(""), none;
  EXPECT_TRUE(secret.equals("open sesame"));
  for (const char* wrong : {"", "o", "open sesam", "open sesamf", "open sesame!", "Open sesame"})
    EXPECT_FALSE(secret.equals(wrong)) << wrong;
  // The attempt repeats the secret, with the NUL that follows it in memory.
  EXPECT_FALSE(secret.equals(std::string("open sesame\0open sesame", 23)));
  EXPECT_TRUE(empty.equals(""));
  EXPECT_FALSE(empty.equals(std::string(1, '\0')));
  EXPECT_TRUE(none.equals(""));
  EXPECT_FALSE(none.equals("x"));
}

TEST(SecretTest, wiping_overwrites_the_text) {
  std::string text = "a secret that is longer than a short string";
  const char* const bytes = text.data();
  const std::size_t size = text.size();
  detail::wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text.data(), bytes); // the memory is still the string's
  EXPECT_EQ(std::string(bytes, size), std::string(size, '\0'));
}

class CurveSocketTest : public test::HubTest {
protected:
  Context context;
};

TEST_F(CurveSocketTest, helpers_refuse_what_would_leave_a_socket_open_to_anybody) {
  Socket socket(context, SocketType::rep);
  const CurveKeyPair keys = CurveKeyPair::generate();
  EXPECT_THROW(make_curve_server(socket, keys, {.domain = ""}), std::invalid_argument);
  EXPECT_FALSE(socket.get(option::curve_server));
  EXPECT_THROW(make_curve_client(socket, "short", keys), std::invalid_argument);
  EXPECT_THROW(make_plain_server(socket, ""), std::invalid_argument);
  EXPECT_THROW(make_plain_client(socket, "", "x"), std::invalid_argument);
  EXPECT_THROW(make_plain_client(socket, "x", std::string(256, 'x')), std::invalid_argument);
  socket.set(option::zap_domain, "some"); // libzmq cannot take it back: an Authenticator is asked
  EXPECT_THROW(make_curve_server(socket, keys, {.anyone = true}), std::invalid_argument);
  socket.close();
  EXPECT_THROW(make_curve_server(socket, keys), Closed);
}

TEST_F(CurveSocketTest, anyone_with_the_servers_key_gets_in_where_that_was_asked_for) {
  const CurveKeyPair server_keys = CurveKeyPair::generate();
  Socket server(context, SocketType::rep), client(context, SocketType::req);
  make_curve_server(server, server_keys, {.anyone = true});
  make_curve_client(client, server_keys.public_key(), CurveKeyPair::generate());
  client.connect(server.bind("tcp://127.0.0.1:*"));
  client.send("question");
  EXPECT_EQ(server.recv().text(), "question");
  server.send("answer");
  EXPECT_EQ(client.recv().text(), "answer");
}

} // namespace
} // namespace grove::zmq
