// SPDX-License-Identifier: MIT
// Descriptors over Unix sockets: they arrive, with their bytes; no more than expected; to and from
// another program.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/hub/process.hpp>
#include <grove/net/descriptor_passing.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/pipe_files.hpp"
#include "../support/python.hpp"
#include "../support/temporary_directory.hpp"

namespace grove::test {
namespace {

using net::Descriptor;
using net::ReceivedDescriptors;

class DescriptorPassingTest : public HubTest {
protected:
  Connected ends_ = Connected::unix_pair();
  net::StreamSocket& near_ = ends_.client;
  net::StreamSocket& far_ = ends_.server;
  char buffer_[100] = {};
  std::string text(const ReceivedDescriptors& got) const { return {buffer_, got.size}; }
};

TEST_F(DescriptorPassingTest, a_pipe_goes_over_and_works_there) {
  Pipe pipe;
  send_descriptors(near_, "in and out",
                   std::array{pipe.reader.descriptor(), pipe.writer.descriptor()});
  ReceivedDescriptors got = recv_descriptors(far_, buffer_, 2);
  EXPECT_EQ(text(got), "in and out");
  EXPECT_FALSE(got.truncated);
  ASSERT_EQ(got.descriptors.size(), 2u);
  for (const Descriptor& one : got.descriptors)
    EXPECT_EQ(fcntl(one.number(), F_GETFD), FD_CLOEXEC);
  PipeWriter writer(got.descriptors[1].release());
  writer.write_all("through the copy");
  EXPECT_EQ(pipe.reader.read_exactly(16), "through the copy") << "the original is still there";
}

TEST_F(DescriptorPassingTest, more_than_expected_are_closed_and_told) {
  const auto before = open_descriptors();
  {
    Pipe pipe;
    const std::vector<int> five(5, pipe.writer.descriptor());
    send_descriptors(near_, "five", five);
    ReceivedDescriptors got = recv_descriptors(far_, buffer_, 2);
    EXPECT_EQ(got.descriptors.size(), 2u);
    EXPECT_TRUE(got.truncated);
    got = {};
    pipe.writer.close();
    EXPECT_EQ(pipe.reader.read_all(), "") << "one was left open";
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(DescriptorPassingTest, those_that_are_not_received_so_are_dropped) {
  Pipe pipe;
  send_descriptors(near_, "x", std::array{pipe.writer.descriptor()});
  EXPECT_EQ(far_.recv(10), "x");
  pipe.writer.close();
  EXPECT_EQ(pipe.reader.read_all(), "");
}

TEST_F(DescriptorPassingTest, messages_with_descriptors_are_not_mixed) {
  Pipe pipe;
  for (const char* data : {"first", "second"})
    send_descriptors(near_, data, std::array{pipe.writer.descriptor()});
  for (const char* data : {"first", "second"}) {
    const ReceivedDescriptors got = recv_descriptors(far_, buffer_, 10);
    EXPECT_EQ(text(got), data);
    EXPECT_EQ(got.descriptors.size(), 1u);
  }
}

TEST_F(DescriptorPassingTest, long_data_follows_its_descriptors) {
  Pipe pipe;
  const std::string large(4 << 20, 'l');
  auto sender =
      spawn([&] { send_descriptors(near_, large, std::array{pipe.writer.descriptor()}); });
  const ReceivedDescriptors got = recv_descriptors(far_, buffer_, 1);
  EXPECT_EQ(got.descriptors.size(), 1u);
  EXPECT_EQ(far_.recv_exactly(large.size() - got.size).size(), large.size() - got.size);
  sender.get();
}

TEST_F(DescriptorPassingTest, plain_data_and_the_end_bring_none) {
  near_.send_all("plain");
  send_descriptors(near_, " too", {});
  near_.shutdown_write();
  std::string all;
  for (;;) {
    const ReceivedDescriptors got = recv_descriptors(far_, buffer_, 10);
    EXPECT_TRUE(got.descriptors.empty());
    if (got.size == 0)
      break;
    all += text(got);
  }
  EXPECT_EQ(all, "plain too");
}

TEST_F(DescriptorPassingTest, after_shutdown_read_nothing_comes) {
  near_.send_all("too late");
  far_.shutdown_read();
  EXPECT_EQ(far_.recv(10, 10s), "");
  EXPECT_EQ(recv_descriptors(far_, buffer_, 1, 10s).size, 0u);
}

TEST_F(DescriptorPassingTest, what_an_interrupted_call_kept_comes_first) {
  near_.send_all("ab");
  EXPECT_THROW(far_.recv_exactly(3, 1ms), TimeoutError);
  Pipe pipe;
  send_descriptors(near_, "c", std::array{pipe.writer.descriptor()});
  ReceivedDescriptors got = recv_descriptors(far_, buffer_, 1);
  EXPECT_EQ(text(got), "ab");
  EXPECT_TRUE(got.descriptors.empty());
  got = recv_descriptors(far_, buffer_, 1);
  EXPECT_EQ(text(got), "c");
  EXPECT_EQ(got.descriptors.size(), 1u);
}

TEST_F(DescriptorPassingTest, a_wait_ends_as_those_of_a_socket) {
  EXPECT_THROW(recv_descriptors(far_, buffer_, 1, 1ms), TimeoutError);
  auto killed = spawn([&] { recv_descriptors(far_, buffer_, 1); });
  settle();
  killed.kill();
  Pipe pipe;
  send_descriptors(near_, "x", std::array{pipe.writer.descriptor()});
  EXPECT_EQ(recv_descriptors(far_, buffer_, 1, 10s).descriptors.size(), 1u);
  auto waiting = spawn([&] { EXPECT_THROW(recv_descriptors(far_, buffer_, 1), Closed); });
  settle();
  far_.close();
  waiting.get();
}

TEST_F(DescriptorPassingTest, mistakes_are_told) {
  EXPECT_THROW(send_descriptors(near_, "", std::array{0}), std::invalid_argument);
  EXPECT_THROW(send_descriptors(near_, "x", std::vector<int>(254, 0)), std::invalid_argument);
  EXPECT_EQ(error_of([&] { send_descriptors(near_, "x", std::array{99999}); }).value(), EBADF);
  send_descriptors(near_, "x", std::vector<int>(253, near_.descriptor()));
  EXPECT_EQ(recv_descriptors(far_, buffer_, 253).descriptors.size(), 253u);
  Connected tcp = Connected::tcp();
  EXPECT_EQ(error_of([&] { send_descriptors(tcp.client, "x", std::array{0}); }).value(),
            EOPNOTSUPP);
  EXPECT_EQ(error_of([&] { recv_descriptors(tcp.client, buffer_, 1); }).value(), EOPNOTSUPP);
  EXPECT_EQ(error_of([&] { peer_credentials(tcp.client); }).value(), EOPNOTSUPP);
}

TEST_F(DescriptorPassingTest, a_descriptor_is_closed_once) {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    Descriptor one(fd);
    Descriptor two = std::move(one);
    EXPECT_FALSE(one.is_open()); // NOLINT: what is left of it
    EXPECT_EQ(two.number(), fd);
    one = std::move(two);
    EXPECT_EQ(one.number(), fd);
  }
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

TEST_F(DescriptorPassingTest, the_kernel_tells_who_is_at_the_other_end) {
  const net::PeerCredentials its = peer_credentials(near_);
  EXPECT_EQ(its.process, getpid());
  EXPECT_EQ(its.user, getuid());
  EXPECT_EQ(its.group, getgid());
}

TEST_F(DescriptorPassingTest, python_sends_a_file_and_gets_one) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/socket";
  net::Listener listener(net::Address::unix_path(path));
  const std::string script = "import socket, sys, os\n"
                             "s = socket.socket(socket.AF_UNIX)\n"
                             "s.settimeout(30)\n"
                             "s.connect(sys.argv[1])\n"
                             "with open(sys.argv[1] + '.txt', 'w+') as f:\n"
                             "    f.write('from python')\n"
                             "    f.flush()\n"
                             "    f.seek(0)\n"
                             "    socket.send_fds(s, [b'file'], [f.fileno()])\n"
                             "_, fds, _, _ = socket.recv_fds(s, 10, 1)\n"
                             "os.write(fds[0], b'into the pipe')\n"
                             "print(os.getpid())\n";
  auto child = spawn([&] { return python(script, {path}); });
  net::StreamSocket socket = listener.accept(60s);
  const net::PeerCredentials its = peer_credentials(socket);
  ReceivedDescriptors got = recv_descriptors(socket, buffer_, 1, 60s);
  ASSERT_EQ(got.descriptors.size(), 1u);
  char content[20];
  EXPECT_EQ(read(got.descriptors[0].number(), content, sizeof content), 11);
  EXPECT_EQ(std::string_view(content, 11), "from python");
  Pipe pipe;
  send_descriptors(socket, "pipe", std::array{pipe.writer.descriptor()});
  EXPECT_EQ(pipe.reader.read_exactly(13, 60s), "into the pipe");
  EXPECT_EQ(child.get(), std::to_string(its.process) + "\n");
}

} // namespace
} // namespace grove::test
