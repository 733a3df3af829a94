// SPDX-License-Identifier: MIT
// Typed messages: sent as values, received as values, and what becomes of those that are none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::text_of;
using ::testing::HasSubstr;

struct Line {
  std::string item;
  double price = 0;
  std::uint8_t count = 1;
  bool operator==(const Line&) const = default;
};

struct Order {
  std::uint64_t id = 0;
  std::string who;
  std::vector<Line> lines;
  bool operator==(const Order&) const = default;
};

struct Receipt {
  std::uint64_t id = 0;
  double total = 0;
  bool operator==(const Receipt&) const = default;
};

const Order stationery{7, "ann", {{"pen", 1.5, 2}, {"ink", 4, 1}}};

class TypedTest : public test::HubTest {
protected:
  TypedTest() { push.connect(pull.bind("inproc://here")); }
  Context context;
  Socket pull{context, SocketType::pull}, push{context, SocketType::push};
};

// -- values go over ------------------------------------------------------------------------------

TEST_F(TypedTest, a_struct_arrives_as_it_was_sent) {
  push.send(stationery);
  EXPECT_EQ(pull.recv<Order>(), stationery);
}

TEST_F(TypedTest, every_kind_of_the_codec_is_a_message) {
  push.send(5);
  push.send(-0.5);
  push.send(true);
  push.send(250ms);
  push.send(std::vector<int>{1, 2});
  push.send(std::optional<Line>());
  push.send(std::map<std::string, int>{{"a", 1}});
  push.send(std::vector<std::uint8_t>{1, 2});
  EXPECT_EQ(pull.recv<int>(), 5);
  EXPECT_EQ(pull.recv<double>(), -0.5);
  EXPECT_EQ(pull.recv<bool>(), true);
  EXPECT_EQ(pull.recv<std::chrono::milliseconds>(), 250ms);
  EXPECT_EQ(pull.recv<std::vector<int>>(), (std::vector<int>{1, 2}));
  EXPECT_EQ(pull.recv<std::optional<Line>>(), std::nullopt);
  EXPECT_EQ((pull.recv<std::map<std::string, int>>()), (std::map<std::string, int>{{"a", 1}}));
  EXPECT_EQ(pull.recv().bytes().size(), 4U) << "octets are a bin of msgpack, with its header";
}

TEST_F(TypedTest, text_and_bytes_are_not_encoded) {
  const std::string text = "abc";
  push.send(text);
  push.send("literal");
  push.send(Bytes{std::byte{1}, std::byte{2}});
  push.send(std::string());
  push.send(text);
  EXPECT_EQ(pull.recv<std::string>(), "abc");
  EXPECT_EQ(pull.recv<std::string>(), "literal");
  EXPECT_EQ(pull.recv<Bytes>(), (Bytes{std::byte{1}, std::byte{2}}));
  EXPECT_EQ(pull.recv<std::string>(), "");
  EXPECT_EQ(pull.recv().text(), "abc");
}

TEST_F(TypedTest, values_of_every_size_arrive) {
  const auto sender = spawn([&] {
    for (std::size_t size = 1; size <= (8U << 20); size *= 4)
      push.send(std::vector<std::string>{std::string(size, 'x'), "end"});
  });
  for (std::size_t size = 1; size <= (8U << 20); size *= 4) {
    const auto got = pull.recv<std::vector<std::string>>(30s);
    EXPECT_EQ(got.at(0).size(), size);
    EXPECT_EQ(got.at(1), "end");
  }
  sender.get();
}

TEST_F(TypedTest, calls_that_may_not_wait_do_not) {
  EXPECT_EQ(pull.try_recv<Order>(), std::nullopt);
  EXPECT_THROW(static_cast<void>(pull.recv<Order>(1ms)), TimeoutError);
  EXPECT_TRUE(push.try_send(stationery));
  EXPECT_EQ(pull.try_recv<Order>(), stationery);

  Socket lonely(context, SocketType::push);
  EXPECT_FALSE(lonely.try_send(stationery));
  EXPECT_THROW(lonely.send(stationery, 1ms), TimeoutError);
  lonely.set(option::sndtimeo, 1ms);
  EXPECT_THROW(lonely.send(stationery), TimeoutError);
}

TEST_F(TypedTest, a_kill_leaves_the_value_to_the_next) {
  const auto first = spawn([&] { static_cast<void>(pull.recv<Order>()); });
  Order got;
  const auto second = spawn([&] { got = pull.recv<Order>(); });
  test::settle();
  first.kill();
  push.send(stationery);
  second.get();
  EXPECT_EQ(got, stationery);
}

// -- what is no such value -----------------------------------------------------------------------

TEST_F(TypedTest, a_message_of_another_type_is_an_error_that_says_where) {
  push.send(Order{1, "bob", {{"pen", 1, 1}}});
  push.send(Receipt{2, 3.5});
  push.send(stationery);
  EXPECT_EQ(
      text_of<BadMessage>([&] { static_cast<void>(pull.recv<Receipt>()); }),
      "recv on PULL inproc://here: decode Receipt.total: expected float, found str at byte 2");
  EXPECT_EQ(pull.recv<Receipt>(), (Receipt{2, 3.5})) << "the socket goes on";
  EXPECT_EQ(pull.recv<Order>(), stationery);
  EXPECT_EQ(pull.stats().bad, 1U);
}

TEST_F(TypedTest, a_bad_message_is_kept_by_its_error) {
  push.send("no msgpack at all");
  try {
    static_cast<void>(pull.recv<Order>());
    FAIL();
  } catch (const BadMessage& error) {
    EXPECT_EQ(error.offset(), 0U);
    ASSERT_EQ(error.parts().size(), 1U);
    EXPECT_EQ(error.parts()[0].text(), "no msgpack at all");
    push.send_multipart(std::move(error.parts())); // to where such are looked at
  }
  EXPECT_EQ(pull.recv().text(), "no msgpack at all");
}

TEST_F(TypedTest, a_body_ends_where_its_value_does) {
  Bytes body = encode(stationery);
  body.push_back(std::byte{0});
  push.send(body);
  body.resize(body.size() - 2);
  push.send(body);
  push.send("");
  EXPECT_THAT(text_of<BadMessage>([&] { static_cast<void>(pull.recv<Order>()); }),
              HasSubstr("decode Order: expected the end of the body, found 1 bytes more"));
  EXPECT_THAT(
      text_of<BadMessage>([&] { static_cast<void>(pull.recv<Order>()); }),
      HasSubstr("decode Order.lines[1].count: expected integer, found the end of the body"));
  EXPECT_THAT(text_of<BadMessage>([&] { static_cast<void>(pull.recv<Order>()); }),
              HasSubstr("decode Order: expected array, found the end of the body at byte 0"));
  EXPECT_EQ(pull.stats().bad, 3U);
}

TEST_F(TypedTest, try_recv_and_recv_with_a_deadline_refuse_the_same) {
  push.send(true);
  push.send(true);
  EXPECT_THROW(static_cast<void>(pull.try_recv<Order>()), BadMessage);
  EXPECT_THROW(static_cast<void>(pull.recv<Order>(1s)), BadMessage);
  EXPECT_EQ(pull.try_recv<Order>(), std::nullopt);
  EXPECT_EQ(pull.stats().bad, 2U);
}

TEST_F(TypedTest, a_message_of_several_parts_is_no_single_value) {
  push.send_multipart({"a", "b"});
  push.send(stationery);
  EXPECT_THROW(static_cast<void>(pull.recv<Order>()), std::system_error);
  EXPECT_EQ(pull.recv<Order>(), stationery);
}

TEST_F(TypedTest, a_value_above_the_limits_is_not_sent) {
  const std::vector<int> many(1000, 1);
  EXPECT_EQ(text_of<EncodeError>([&] { push.send(many, {.max_elements = 999}); }),
            "send on PUSH inproc://here: encode std::vector<int>: 1000 elements, more than "
            "max_elements");
  EXPECT_THROW(static_cast<void>(push.try_send(many, {.max_bytes = 100})), EncodeError);
  EXPECT_THROW(push.send(many, 1s, {.max_bytes = 100}), EncodeError);
  EXPECT_FALSE(pull.try_recv());
}

TEST_F(TypedTest, limits_hold_for_one_call) {
  for (int i = 0; i < 4; ++i)
    push.send(stationery);
  push.send("text");
  EXPECT_THROW(static_cast<void>(pull.recv<Order>({.max_bytes = 5})), BadMessage);
  EXPECT_THROW(static_cast<void>(pull.recv<Order>(1s, {.max_depth = 2})), BadMessage);
  EXPECT_THROW(static_cast<void>(pull.try_recv<Order>({.max_elements = 1})), BadMessage);
  EXPECT_EQ(pull.recv<Order>(), stationery);
  EXPECT_EQ(text_of<BadMessage>([&] {
              static_cast<void>(pull.recv<std::string>({.max_bytes = 3}));
            }).substr(0, 13),
            "recv on PULL ");
}

TEST_F(TypedTest, a_count_without_elements_costs_nothing) {
  // array32 that claims 2^32 - 1 elements, in a body of ten bytes
  const std::string bomb("\xdd\xff\xff\xff\xff\x00\x00\x00\x00\x00", 10);
  push.send(bomb);
  push.send(bomb);
  EXPECT_THAT(text_of<BadMessage>([&] { static_cast<void>(pull.recv<std::vector<Order>>()); }),
              HasSubstr("expected at most max_elements = 1048576, found 4294967295 at byte 0"));
  EXPECT_THAT(text_of<BadMessage>([&] {
                const CodecLimits none{.max_elements = std::size_t(-1)};
                static_cast<void>(pull.recv<std::vector<Order>>(none));
              }),
              HasSubstr("expected array of 4294967295, found only 5 bytes for it"));
}

// -- behind an envelope --------------------------------------------------------------------------

class EnvelopeTest : public test::HubTest {
protected:
  Context context;
  Socket router{context, SocketType::router};
  std::string endpoint = router.bind("inproc://here");
};

TEST_F(EnvelopeTest, a_router_answers_who_asked) {
  Socket dealer(context, SocketType::dealer), req(context, SocketType::req);
  dealer.connect(endpoint);
  req.connect(endpoint);
  const auto server = spawn([&] {
    for (int i = 0; i < 2; ++i) {
      auto [envelope, order] = router.recv_enveloped<Order>();
      double total = 0;
      for (const Line& line : order.lines)
        total += line.price * line.count;
      router.send_enveloped(std::move(envelope), Receipt{order.id, total});
    }
  });
  dealer.send(stationery);
  EXPECT_EQ(dealer.recv<Receipt>(), (Receipt{7, 7}));
  req.send(Order{8, "eve", {}}); // its envelope has an empty part behind the routing id
  EXPECT_EQ(req.recv<Receipt>(), (Receipt{8, 0}));
  server.get();
}

TEST_F(EnvelopeTest, who_sent_a_bad_message_can_be_told) {
  Socket dealer(context, SocketType::dealer);
  dealer.connect(endpoint);
  dealer.send("gibberish");
  try {
    static_cast<void>(router.recv_enveloped<Order>());
    FAIL();
  } catch (const BadMessage& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, 43),
              "recv on ROUTER inproc://here: decode Order:");
    Multipart envelope = std::move(error.parts());
    ASSERT_EQ(envelope.size(), 2U);
    envelope.pop_back();
    router.send_enveloped(std::move(envelope), std::string(error.what()));
  }
  EXPECT_THAT(dealer.recv<std::string>(), HasSubstr("expected array, found integer 103"));
  EXPECT_EQ(router.stats().bad, 1U);
}

TEST_F(EnvelopeTest, an_envelope_that_did_not_go_is_left_as_it_was) {
  router.set(option::router_mandatory, true);
  Multipart envelope = multipart("nobody", "");
  EXPECT_THROW(router.send_enveloped(std::move(envelope), stationery), std::system_error);
  ASSERT_EQ(envelope.size(), 2U); // NOLINT: it was not moved from
  EXPECT_EQ(envelope[0].text(), "nobody");

  Socket push(context, SocketType::push);
  EXPECT_FALSE(push.try_send_enveloped(std::move(envelope), stationery));
  EXPECT_THROW(push.send_enveloped(std::move(envelope), stationery, 1ms), TimeoutError);
  EXPECT_THROW(push.send_enveloped(std::move(envelope), stationery, {.max_bytes = 1}), EncodeError);
  ASSERT_EQ(envelope.size(), 2U);
  EXPECT_EQ(envelope[0].text(), "nobody");
}

TEST_F(EnvelopeTest, it_may_be_of_any_length) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  push.connect(pull.bind("inproc://there"));
  for (std::size_t size = 0; size < 5; ++size) {
    Multipart envelope;
    for (std::size_t i = 0; i < size; ++i)
      envelope.emplace_back(std::to_string(i));
    push.send_enveloped(std::move(envelope), stationery);
    EXPECT_TRUE(envelope.empty()); // NOLINT: as the header says
    const auto got = pull.recv_enveloped<Order>(1s);
    EXPECT_EQ(got.body, stationery);
    ASSERT_EQ(got.envelope.size(), size);
    if (size > 0) {
      EXPECT_EQ(got.envelope.back().text(), std::to_string(size - 1));
    }
  }
  EXPECT_FALSE(pull.try_recv_enveloped<Order>());
  push.send(stationery);
  EXPECT_EQ(pull.try_recv_enveloped<Order>()->body, stationery);
}

// -- versions ------------------------------------------------------------------------------------

struct ReadingV1 {
  std::uint32_t sensor = 0;
  double value = 0;
};

struct ReadingV2 {
  std::uint32_t sensor = 0;
  double value = 0;
  std::string unit = "K"; // appended, with what it was before there was a choice
  std::optional<std::string> note;
};

// actors 165
TEST_F(TypedTest, an_old_sender_is_understood_and_the_new_fields_take_their_initialisers) {
  push.send(ReadingV1{3, 280.5});
  const auto got = pull.recv<ReadingV2>();
  EXPECT_EQ(got.sensor, 3U);
  EXPECT_EQ(got.value, 280.5);
  EXPECT_EQ(got.unit, "K");
  EXPECT_EQ(got.note, std::nullopt);
}

// actors 165
TEST_F(TypedTest, an_old_receiver_passes_over_what_a_new_sender_appended) {
  push.send(ReadingV2{3, 280.5, "C", "outside"});
  const auto got = pull.recv<ReadingV1>();
  EXPECT_EQ(got.sensor, 3U);
  EXPECT_EQ(got.value, 280.5);
}

struct Interval {
  int from = 0;
  int to = 0;
  bool valid() const { return from <= to; }
};

// actors 165
TEST_F(TypedTest, a_value_that_is_not_valid_is_refused) {
  push.send(std::pair(1, 2));
  push.send(std::vector<Interval>{{1, 2}, {2, 1}});
  EXPECT_EQ(pull.recv<Interval>().to, 2);
  EXPECT_EQ(text_of<BadMessage>([&] {
              static_cast<void>(pull.recv<std::vector<Interval>>());
            }).substr(0, 13),
            "recv on PULL ");
  push.send(std::pair(2, 1));
  EXPECT_EQ(text_of<BadMessage>([&] { static_cast<void>(pull.recv<Interval>()); }),
            "recv on PULL inproc://here: decode Interval: expected a value for which valid() is "
            "true, found one "
            "for which it is not at byte 0");
}

} // namespace
} // namespace grove::zmq
