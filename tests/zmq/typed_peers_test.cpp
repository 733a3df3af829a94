// SPDX-License-Identifier: MIT
// Typed messages with Python at the other end: its msgpack and zmq read and write them, and what it
// sends in bad faith troubles nobody else.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;

const std::string prelude = R"(
import sys, zmq, msgpack
def connect(kind):
    socket = zmq.Context.instance().socket(kind)
    socket.rcvtimeo = 30000
    socket.connect(sys.argv[1])
    return socket
)";
const std::string postlude = R"(
socket.close(linger=30000)
zmq.Context.instance().term()
)";

// A Python program with a socket that connects to our endpoint. It must end well.
class Python {
public:
  Python(const std::string& body, const std::string& endpoint) {
    const std::string script = prelude + body + postlude;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl("/usr/bin/python3", "python3", "-c", script.c_str(), endpoint.c_str(), nullptr);
      ::_exit(127);
    }
  }
  Python(const Python&) = delete;
  Python& operator=(const Python&) = delete;
  ~Python() {
    int status = -1;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    EXPECT_EQ(status, 0);
  }

private:
  pid_t pid_;
};

class PythonTest : public test::HubTest {
protected:
  void SetUp() override {
    test::HubTest::SetUp();
    if (std::system("/usr/bin/python3 -c 'import zmq, msgpack' 2>/dev/null") != 0) // NOLINT
      GTEST_SKIP() << "apt-get install python3-zmq python3-msgpack";
  }
  Context context;
};

enum class Side : std::uint8_t { buy, sell };

struct Point {
  std::int32_t x = 0;
  std::int32_t y = 0;
  bool operator==(const Point&) const = default;
};

struct Everything {
  std::vector<std::vector<Point>> nested;
  std::optional<Point> some;
  std::optional<Point> none;
  std::variant<std::monostate, std::string, Point> choice;
  Side side = Side::buy;
  std::map<std::string, std::vector<int>> map;
  Bytes bytes;
  std::string text;
  std::string octets; // not UTF-8
  std::vector<std::int64_t> signed_edges;
  std::vector<std::uint64_t> unsigned_edges;
  float single = 0;
  std::vector<double> doubles;
  std::chrono::milliseconds span{};
  std::chrono::nanoseconds nanos{};
  std::tuple<int, bool, std::string> tuple;
  bool operator==(const Everything&) const = default;
};

Everything everything() {
  using I = std::numeric_limits<std::int64_t>;
  using U = std::numeric_limits<std::uint64_t>;
  using D = std::numeric_limits<double>;
  Everything e;
  e.nested = {{{1, -1}, {2, -2}}, {}};
  e.some = Point{3, 4};
  e.choice = Point{5, 6};
  e.side = Side::sell;
  e.map = {{"a", {1}}, {"b", {}}};
  e.bytes = {std::byte{0}, std::byte{255}};
  e.text = "blåbær";
  e.octets = "\xff\xfe";
  e.signed_edges = {I::min(), -129, -128, -33, -32, -1, 0, 127, 128, I::max()};
  e.unsigned_edges = {0, 255, 256, 65535, 65536, 1ULL << 32, U::max()};
  e.single = 1.5F;
  e.doubles = {0.1, -0.0, D::max(), D::denorm_min(), D::infinity()};
  e.span = 1500ms;
  e.nanos = -1ns;
  e.tuple = {1, true, "t"};
  return e;
}

// The same, as Python has it.
const std::string literal = R"(
EVERYTHING = [
    [[[1, -1], [2, -2]], []], [3, 4], None, [2, [5, 6]], 1, {'a': [1], 'b': []},
    b'\0\xff', 'blåbær', '\udcff\udcfe',
    [-2**63, -129, -128, -33, -32, -1, 0, 127, 128, 2**63 - 1],
    [0, 255, 256, 65535, 65536, 2**32, 2**64 - 1],
    1.5, [0.1, -0.0, sys.float_info.max, 5e-324, float('inf')],
    1500000000, -1, [1, True, 't']]
)";

TEST_F(PythonTest, reads_every_kind_and_writes_it_back_as_the_same_bytes) {
  Socket rep(context, SocketType::rep);
  const std::string endpoint = rep.bind("tcp://127.0.0.1:*");
  Python python(literal + R"(
socket = connect(zmq.REQ)
socket.send(msgpack.packb(EVERYTHING, unicode_errors='surrogateescape'))
body = socket.recv()
value = msgpack.unpackb(body, unicode_errors='surrogateescape')
assert value == EVERYTHING, value
assert str(value[12][1]) == '-0.0' and type(value[3][1]) is list
again = bytearray(msgpack.packb(value, unicode_errors='surrogateescape'))
# Python has no floats of 32 bits; ours is the only difference.
single, double = b'\xca\x3f\xc0\0\0', b'\xcb\x3f\xf8\0\0\0\0\0\0'
assert again.count(double) == 1 and again.replace(double, single) == body, (again, body)
)",
                endpoint);
  EXPECT_EQ(rep.recv<Everything>(30s), everything());
  rep.send(everything());
}

// actors 165
TEST_F(PythonTest, may_have_an_older_or_newer_idea_of_a_struct) {
  Socket rep(context, SocketType::rep);
  Python python(R"(
socket = connect(zmq.REQ)
for fields in [], [1], [1, 2], [1, 2, 'new', {'k': [None]}]:
    socket.send(msgpack.packb(fields))
    assert msgpack.unpackb(socket.recv()) == (fields + [0, 0])[:2], fields
)",
                rep.bind("tcp://127.0.0.1:*"));
  for (int i = 0; i < 4; ++i)
    rep.send(rep.recv<Point>(30s));
}

TEST_F(PythonTest, is_answered_through_a_router) {
  Socket router(context, SocketType::router);
  Python python(R"(
socket = connect(zmq.DEALER)
for i in range(100):
    socket.send_multipart([b'job-%d' % i, msgpack.packb([i, -i])])
for i in range(100):
    job, body = socket.recv_multipart()
    assert job == b'job-%d' % i and msgpack.unpackb(body) == [-i, i], (job, body)
)",
                router.bind("tcp://127.0.0.1:*"));
  for (int i = 0; i < 100; ++i) {
    auto [envelope, point] = router.recv_enveloped<Point>(30s);
    router.send_enveloped(std::move(envelope), Point{point.y, point.x});
  }
}

TEST_F(PythonTest, subscribes_to_our_topics) {
  const Topic<Point> here("here");
  Socket pub(context, SocketType::xpub);
  Python python(R"(
socket = connect(zmq.SUB)
socket.subscribe(b'here\0')
for i in range(10):
    topic, body = socket.recv().split(b'\0', 1)
    assert topic == b'here' and msgpack.unpackb(body) == [i, 0], (topic, body)
)",
                pub.bind("tcp://127.0.0.1:*"));
  EXPECT_EQ(pub.recv(30s).text(), std::string("\1here\0", 6));
  for (int i = 0; i < 10; ++i) {
    pub.send(Topic<Point>("hereabouts").message({99, 99}));
    pub.send(here.message({i, 0}));
  }
}

TEST_F(PythonTest, publishes_under_our_topics) {
  const Topics topics(Topic<Point>("point"), TopicPrefix<std::string>("text."));
  Socket sub(context, SocketType::sub);
  sub.subscribe(topics);
  Python python(R"(
socket = connect(zmq.XPUB)
for i in range(2):
    socket.recv() # a subscription
socket.send(b'other\0' + msgpack.packb(1))
socket.send(b'point\0' + msgpack.packb([1, 2]))
socket.send(b'text.a\0' + msgpack.packb('hello'))
)",
                sub.bind("tcp://127.0.0.1:*"));
  EXPECT_EQ(std::get<Point>(sub.recv(topics, 30s).value), (Point{1, 2}));
  const auto text = sub.recv(topics, 30s);
  EXPECT_EQ(text.topic, "text.a");
  EXPECT_EQ(std::get<std::string>(text.value), "hello");
}

// Several peers send in bad faith, each in its way, while a good one sends what is wanted.
TEST_F(PythonTest, sends_anything_and_good_peers_are_undisturbed) {
  Socket pull(context, SocketType::pull);
  const std::string endpoint = pull.bind("tcp://127.0.0.1:*");
  Python bad(R"(
import random
random.seed(1)
good = msgpack.packb([[[[1, 2]]], None])
bodies = [good[:i] for i in range(len(good))]                     # truncated
bodies += [good + b'\0', b'', b'\xc1']
bodies += [b'\x91' * 1000, b'\x93\x90\xc0' + b'\x91' * 40 + b'\0']   # too deep
bodies += [msgpack.packb([None, 0, b'\x91' * 9, 0])]              # of other types
bodies += [msgpack.packb(v) for v in (1, 'x', {}, [{}], [[1]], [[['x', 1]]], msgpack.ExtType(1, b''))]
bodies += [b'\xdd\xff\xff\xff\xff\0\0\0\0\0', b'\x91\xdd\xff\xff\xff\xff\0\0\0\0'] # too large
bodies += [msgpack.packb([[[[2**31, 0]]], None])]
bodies += [b'\xff' * 100000]
# Random ones begin as no array does, so that none of them is good by chance.
bodies += [bytes([random.choice([0, 127, 192, 193, 203, 255])]) + random.randbytes(50)
           for _ in range(300)]
socket = connect(zmq.PUSH)
for body in bodies:
    socket.send(body)
socket.send(b'%d' % len(bodies))
)",
             endpoint);
  Python good(R"(
socket = connect(zmq.PUSH)
for i in range(500):
    socket.send(msgpack.packb([[[[i, i]]], [i, -i]]))
)",
              endpoint);
  struct Shape {
    std::vector<std::vector<Point>> polygons;
    std::optional<Point> centre;
  };
  std::int32_t wanted = 0;
  std::uint64_t unwanted = 0;
  std::optional<std::uint64_t> announced;
  while (wanted < 500 || !announced || unwanted < *announced) {
    try {
      const Shape shape = pull.recv<Shape>(30s);
      ASSERT_EQ(shape.polygons, (std::vector<std::vector<Point>>{{{wanted, wanted}}}));
      ASSERT_EQ(shape.centre, (Point{wanted, -wanted}));
      ++wanted;
    } catch (const BadMessage& error) {
      const std::string_view body = error.parts()[0].text();
      if (body.find_first_not_of("0123456789") == body.npos && body.size() == 3)
        announced = std::stoull(std::string(body));
      else
        ++unwanted;
    }
  }
  EXPECT_EQ(unwanted, *announced);
  EXPECT_EQ(pull.stats().bad, *announced + 1);
}

} // namespace
} // namespace grove::zmq
