// SPDX-License-Identifier: MIT
// Feed: what happens to the ports, told to whoever listens.
#pragma once

#include <set>
#include <string>

#include <grove/hub.hpp>

#include "ports.hpp"

namespace glb {

// One greenlet waits for the news of Redis and puts them into the queue of each listener. Each is a
// JSON text:
//
//   {"event":"ports","ports":[...]}                        how things are, when Redis has come back
//   {"event":"assigned","port":50000,"service":"web"}
//   {"event":"released","port":50000,"service":"web"}
//   {"event":"redis","up":false}                           no news for a while
class Feed {
public:
  Feed(const Settings& settings, Ports& ports);

  // How things are, as one of the texts above. RedisError.
  std::string now() const;

  // Its queue has the news from the moment on in which it was made. It is closed when the listener
  // does not keep up.
  class Listener {
  public:
    explicit Listener(Feed& feed);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() { feed_.listeners_.erase(this); }
    grove::Queue<std::string>& news() { return news_; }

  private:
    friend class Feed;
    Feed& feed_;
    grove::Queue<std::string> news_;
  };

private:
  void run();
  void listen();
  void tell(const std::string& news);

  Settings settings_;
  Ports& ports_;
  bool up_ = false;
  std::set<Listener*> listeners_;
  grove::Group greenlet_;
};

} // namespace glb
