// SPDX-License-Identifier: MIT
// Socket options, each with its type: `socket.set(option::linger, 100ms)`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace grove::zmq {

enum class Access { read_write, read_only, write_only };

// How the two ends of a connection make sure of each other.
enum class Mechanism : int { none = 0, plain = 1, curve = 2, gssapi = 3 };

// Names one option of a socket; T is the type of its value. std::chrono::milliseconds of -1 mean
// "for ever" (or "off", where libzmq says so). What an option does is told in zmq_setsockopt(3).
template <class T, Access A = Access::read_write>
struct Option {
  using Value = T;
  int number;
  const char* name;
};

namespace option {

using std::chrono::milliseconds;

// -- Grove's defaults differ from libzmq's here -----------------------------------------------
// How long close() lets libzmq go on sending in the background. 1 s, not "for ever": a peer that is
// gone must not keep the process.
inline constexpr Option<milliseconds> linger{17, "linger"};
// A larger message, or part of one, ends the connection it comes from. 4 MiB; -1: no limit.
inline constexpr Option<std::int64_t> maxmsgsize{22, "maxmsgsize"};
// A connection that has not said who it is by then is ended. 5 s; 0: no limit.
inline constexpr Option<milliseconds> handshake_ivl{66, "handshake_ivl"};
// The kernel asks over tcp:// whether the peer is still there: 1 for PUB, SUB, XPUB, XSUB, PUSH and
// REQ, after 60 s of silence, 3 times, every 10 s; -1, the system's way, for the others
// (docs/zmq.md).
inline constexpr Option<int> tcp_keepalive{34, "tcp_keepalive"};
inline constexpr Option<int> tcp_keepalive_cnt{35, "tcp_keepalive_cnt"};
inline constexpr Option<int> tcp_keepalive_idle{36, "tcp_keepalive_idle"};   // seconds
inline constexpr Option<int> tcp_keepalive_intvl{37, "tcp_keepalive_intvl"}; // seconds
// A ROUTER throws for a peer that it does not know, and waits for one that has no room: true.
inline constexpr Option<bool, Access::write_only> router_mandatory{33, "router_mandatory"};

// -- sending and receiving -----------------------------------------------------------------------
// High-water marks: messages held per peer before send() waits (or drops, by type); default 1000.
inline constexpr Option<int> sndhwm{23, "sndhwm"};
inline constexpr Option<int> rcvhwm{24, "rcvhwm"};
// The limit of a send or recv that is given no deadline of its own; default: for ever. Operations
// of wait_any() have none: put after(1s) beside them.
inline constexpr Option<milliseconds> rcvtimeo{27, "rcvtimeo"};
inline constexpr Option<milliseconds> sndtimeo{28, "sndtimeo"};
inline constexpr Option<bool> immediate{39, "immediate"};
// Keeps the newest message only. For values that are published again and again: over TCP libzmq may
// drop the very last one (docs/zmq.md).
inline constexpr Option<bool, Access::write_only> conflate{54, "conflate"};
inline constexpr Option<std::string> routing_id{5, "routing_id"};
inline constexpr Option<std::string, Access::read_only> last_endpoint{32, "last_endpoint"};
inline constexpr Option<std::uint64_t> affinity{4, "affinity"}; // I/O threads, one a bit; 0: all

// -- PUB, SUB, XPUB, XSUB ------------------------------------------------------------------------
inline constexpr Option<std::string, Access::write_only> subscribe{6, "subscribe"};
inline constexpr Option<std::string, Access::write_only> unsubscribe{7, "unsubscribe"};
inline constexpr Option<bool> invert_matching{74, "invert_matching"};
inline constexpr Option<bool, Access::write_only> xpub_verbose{40, "xpub_verbose"};
inline constexpr Option<bool, Access::write_only> xpub_verboser{78, "xpub_verboser"};
inline constexpr Option<bool, Access::write_only> xpub_nodrop{69, "xpub_nodrop"};
inline constexpr Option<bool, Access::write_only> xpub_manual{71, "xpub_manual"};
inline constexpr Option<std::string, Access::write_only> xpub_welcome_msg{72, "xpub_welcome_msg"};

// -- ROUTER, DEALER, REQ, STREAM -----------------------------------------------------------------
inline constexpr Option<bool, Access::write_only> router_handover{56, "router_handover"};
inline constexpr Option<bool, Access::write_only> probe_router{51, "probe_router"};
inline constexpr Option<std::string, Access::write_only> connect_routing_id{61,
                                                                            "connect_routing_id"};
inline constexpr Option<bool, Access::write_only> req_relaxed{53, "req_relaxed"};
inline constexpr Option<bool, Access::write_only> req_correlate{52, "req_correlate"};
inline constexpr Option<bool, Access::write_only> stream_notify{73, "stream_notify"};

// -- connections ---------------------------------------------------------------------------------
inline constexpr Option<bool> ipv6{42, "ipv6"}; // off by default
inline constexpr Option<int> backlog{19, "backlog"};
inline constexpr Option<milliseconds> reconnect_ivl{18, "reconnect_ivl"};
inline constexpr Option<milliseconds> reconnect_ivl_max{21, "reconnect_ivl_max"};
inline constexpr Option<milliseconds> connect_timeout{79, "connect_timeout"};
// How often peers over tcp:// and ipc:// are asked whether they live, and how long they may take to
// answer (-1: as heartbeat_ivl); off. Only for sockets with rcvhwm 0: libzmq 4.3.4 reads no answer
// while its input stands at the mark, loses what has come, and may abort the process
// (docs/decisions/no-heartbeats.md).
inline constexpr Option<milliseconds> heartbeat_ivl{75, "heartbeat_ivl"};
inline constexpr Option<milliseconds> heartbeat_timeout{77, "heartbeat_timeout"};
inline constexpr Option<milliseconds> heartbeat_ttl{76, "heartbeat_ttl"};
inline constexpr Option<std::string> socks_proxy{68, "socks_proxy"};
inline constexpr Option<std::string> bindtodevice{92, "bindtodevice"};
inline constexpr Option<int> use_fd{89, "use_fd"}; // listens already; bind() is told its address
// Those of the kernel; -1: as the system has it.
inline constexpr Option<int> sndbuf{11, "sndbuf"};
inline constexpr Option<int> rcvbuf{12, "rcvbuf"};
inline constexpr Option<int> tos{57, "tos"};
inline constexpr Option<milliseconds> tcp_maxrt{80, "tcp_maxrt"};

// -- who may talk to us -----------------------------------------------------------------------
// Secrets are not given back. make_curve_server(), make_plain_server() and their like set what
// belongs together; one that is set by hand asks nobody whom to let in.
// Follows from the options below, the last one set; read only.
inline constexpr Option<Mechanism, Access::read_only> mechanism{43, "mechanism"};
inline constexpr Option<bool> plain_server{44, "plain_server"};
inline constexpr Option<std::string> plain_username{45, "plain_username"};
inline constexpr Option<std::string, Access::write_only> plain_password{46, "plain_password"};
inline constexpr Option<bool> curve_server{47, "curve_server"};
inline constexpr Option<std::string> curve_publickey{48, "curve_publickey"}; // 40 characters, Z85
inline constexpr Option<std::string, Access::write_only> curve_secretkey{49, "curve_secretkey"};
inline constexpr Option<std::string> curve_serverkey{50, "curve_serverkey"};
inline constexpr Option<std::string> zap_domain{55, "zap_domain"};
// libzmq lets CURVE clients in unasked while nobody answers at inproc://zeromq.zap.01. With this
// option (a draft that is built in all the same) it refuses them, and asks only if there is a
// domain.
inline constexpr Option<bool> zap_enforce_domain{93, "zap_enforce_domain"};

} // namespace option
} // namespace grove::zmq
