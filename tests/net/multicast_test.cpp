// SPDX-License-Identifier: MIT
// Datagrams to many: groups and broadcasts.
#include <cerrno>
#include <string>
#include <system_error>

#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <grove/net/datagram_socket.hpp>

#include "../support/datagrams.hpp"
#include "../support/hub_test.hpp"
#include "../support/pipe_files.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::DatagramSocket;

class MulticastTest : public HubTest, public ::testing::WithParamInterface<const char*> {
protected:
  Address group() const { return Address::ip(GetParam(), 0); }
  bool is_six() const { return group().family() == AF_INET6; }
  DatagramSocket receiver() const {
    return DatagramSocket(Address::ip(is_six() ? "::" : "0.0.0.0", 0), {.reuse_address = true});
  }
};

TEST_P(MulticastTest, members_hear_what_is_sent_to_the_group_until_they_leave) {
  DatagramSocket one = receiver();
  const Address there = group().with_port(one.local_address().port());
  DatagramSocket two(one.local_address(), {.reuse_address = true});
  one.join_group(group(), "lo");
  two.join_group(group(), "lo");
  DatagramSocket sender(group().family());
  sender.set_multicast_interface("lo");
  sender.set_multicast_hops(0);
  try {
    sender.send_to("all", there);
  } catch (const std::system_error& e) {
    if (e.code() == std::errc::network_unreachable)
      GTEST_SKIP() << "this machine has no route to groups on lo: " << e.what();
    throw;
  }
  EXPECT_EQ(receive(one).text, "all");
  EXPECT_EQ(receive(two).text, "all");

  two.leave_group(group(), "lo");
  sender.send_to("fewer", there);
  EXPECT_EQ(receive(one).text, "fewer");
  sender.set_multicast_loop(false); // what is sent on "lo" comes back in any case
  EXPECT_EQ(is_six() ? sender.option(IPPROTO_IPV6, IPV6_MULTICAST_LOOP)
                     : sender.option(IPPROTO_IP, IP_MULTICAST_LOOP),
            0);
}

TEST_P(MulticastTest, mistakes_name_the_group_and_the_interface) {
  DatagramSocket socket = receiver();
  const std::string text =
      text_of<std::system_error>([&] { socket.join_group(group(), "nonesuch0"); });
  EXPECT_NE(text.find("join group nonesuch0"), std::string::npos) << text;
  const std::string left = text_of<std::system_error>([&] { socket.leave_group(group(), "lo"); });
  EXPECT_NE(left.find("leave group " + group().host()), std::string::npos) << left;
  EXPECT_EQ(error_of([&] { socket.join_group(Address::unix_path("/x")); }).value(), EAFNOSUPPORT);
  EXPECT_EQ(error_of([&] { socket.set_multicast_hops(1000); }).value(), EINVAL);
}

INSTANTIATE_TEST_SUITE_P(, MulticastTest, ::testing::Values("239.255.77.1", "ff12::7701"),
                         [](const auto& row) { return row.param[0] == 'f' ? "ipv6" : "ipv4"; });

class BroadcastTest : public HubTest {};

TEST_F(BroadcastTest, a_broadcast_has_to_be_allowed) {
  DatagramSocket sink(Address::ip("0.0.0.0", 0));
  DatagramSocket socket(AF_INET);
  const Address all = Address::ip("127.255.255.255", sink.local_address().port());
  EXPECT_EQ(error_of([&] { socket.send_to("x", all); }).value(), EACCES);
  socket.set_broadcast(true);
  socket.send_to("to all", all);
  EXPECT_EQ(receive(sink).text, "to all");
}

} // namespace
} // namespace grove::test
