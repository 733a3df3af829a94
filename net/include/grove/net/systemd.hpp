// SPDX-License-Identifier: MIT
// Listeners that systemd has opened for us.
#pragma once

#include <string>
#include <vector>

#include <grove/net/listener.hpp>

namespace grove::net {

// A Listener and what its unit calls it (FileDescriptorName=), by default the unit's own name.
struct SystemdListener {
  std::string name;
  Listener listener;
};

// The listening sockets that this process was started with (LISTEN_FDS and LISTEN_FDNAMES, see
// sd_listen_fds(3); systemd's or systemd-socket-activate's), in the order of the unit; none if it
// was not. Theirs is the address: a StreamServer of such a listener closes its own descriptor only,
// and who connects meanwhile waits for the next start of the unit. They can be taken once; children
// do not inherit them. Sockets that do not listen are left as they are, but are not inherited
// either. To be called before other threads read the environment. std::system_error if one of the
// descriptors is not open.
std::vector<SystemdListener> systemd_listeners();

} // namespace grove::net
