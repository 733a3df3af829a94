// SPDX-License-Identifier: MIT
// Socket options, each with its type: `socket.set(option::linger, 100ms)`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace grove::zmq {

enum class Access { read_write, read_only, write_only };

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

// How long close() lets libzmq go on sending in the background. Grove's default is 1 s, not
// libzmq's "for ever": a peer that is gone must not keep the process.
inline constexpr Option<milliseconds> linger{17, "linger"};
// High-water marks: messages held per peer before send() waits (or drops, by type); default 1000.
inline constexpr Option<int> sndhwm{23, "sndhwm"};
inline constexpr Option<int> rcvhwm{24, "rcvhwm"};
// The limit of a send or recv that is given no deadline of its own; default: for ever.
inline constexpr Option<milliseconds> rcvtimeo{27, "rcvtimeo"};
inline constexpr Option<milliseconds> sndtimeo{28, "sndtimeo"};
// A larger message ends the connection it comes from; -1, the default: no limit.
inline constexpr Option<std::int64_t> maxmsgsize{22, "maxmsgsize"};
inline constexpr Option<bool> immediate{39, "immediate"};
inline constexpr Option<bool, Access::write_only> conflate{54, "conflate"};
inline constexpr Option<std::string> routing_id{5, "routing_id"};
inline constexpr Option<std::string> identity = routing_id; // its older name
inline constexpr Option<bool> ipv6{42, "ipv6"};
inline constexpr Option<int> backlog{19, "backlog"};

inline constexpr Option<std::string, Access::write_only> subscribe{6, "subscribe"};
inline constexpr Option<std::string, Access::write_only> unsubscribe{7, "unsubscribe"};
inline constexpr Option<bool, Access::write_only> xpub_verbose{40, "xpub_verbose"};
inline constexpr Option<bool, Access::write_only> xpub_nodrop{69, "xpub_nodrop"};

inline constexpr Option<bool, Access::write_only> router_mandatory{33, "router_mandatory"};
inline constexpr Option<bool, Access::write_only> router_handover{56, "router_handover"};
inline constexpr Option<bool, Access::write_only> probe_router{51, "probe_router"};
inline constexpr Option<std::string, Access::write_only> connect_routing_id{61,
                                                                            "connect_routing_id"};
inline constexpr Option<bool, Access::write_only> req_relaxed{53, "req_relaxed"};
inline constexpr Option<bool, Access::write_only> req_correlate{52, "req_correlate"};

// -1: as the system has it.
inline constexpr Option<int> tcp_keepalive{34, "tcp_keepalive"};
inline constexpr Option<int> tcp_keepalive_cnt{35, "tcp_keepalive_cnt"};
inline constexpr Option<int> tcp_keepalive_idle{36, "tcp_keepalive_idle"};
inline constexpr Option<int> tcp_keepalive_intvl{37, "tcp_keepalive_intvl"};
inline constexpr Option<milliseconds> reconnect_ivl{18, "reconnect_ivl"};
inline constexpr Option<milliseconds> reconnect_ivl_max{21, "reconnect_ivl_max"};
inline constexpr Option<milliseconds> connect_timeout{79, "connect_timeout"};
inline constexpr Option<milliseconds> handshake_ivl{66, "handshake_ivl"};
inline constexpr Option<milliseconds> heartbeat_ivl{75, "heartbeat_ivl"};
inline constexpr Option<milliseconds> heartbeat_ttl{76, "heartbeat_ttl"};
inline constexpr Option<milliseconds> heartbeat_timeout{77, "heartbeat_timeout"};

inline constexpr Option<bool> curve_server{47, "curve_server"};
inline constexpr Option<std::string> curve_publickey{48, "curve_publickey"}; // 40 characters, Z85
inline constexpr Option<std::string> curve_secretkey{49, "curve_secretkey"};
inline constexpr Option<std::string> curve_serverkey{50, "curve_serverkey"};
inline constexpr Option<std::string> zap_domain{55, "zap_domain"};

inline constexpr Option<std::string, Access::read_only> last_endpoint{32, "last_endpoint"};

} // namespace option
} // namespace grove::zmq
