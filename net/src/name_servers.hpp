// SPDX-License-Identifier: MIT
// NameServers: whom to ask, and how. What /etc/resolv.conf and the options say.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ares_channel.hpp"

namespace grove::net::detail {

// Notices that a file is another one than at the last look.
class FileStamp {
public:
  // True at first, and whenever it has changed since.
  bool changed(const std::string& path);
  void forget() { looked_ = false; } // it could not be read: the next look finds it changed

private:
  struct stat last_ {};
  bool looked_ = false;
};

// A value; any thread.
struct NameServerSettings {
  std::vector<Address> servers;
  std::vector<std::string> search;
  std::size_t ndots = 1;
  std::chrono::milliseconds timeout{};
  std::size_t tries = 1;
};
// Reads resolv.conf, as c-ares does, for what the options leave open.
NameServerSettings name_server_settings(const ResolverOptions& options);

// The servers with what it takes to talk to them.
class NameServers {
public:
  // Counts the questions.
  NameServers(NameServerSettings settings, AresChannel::Mode mode, std::uint64_t& questions)
      : settings_(std::move(settings)), mode_(mode), questions_(questions),
        channels_(settings_.servers.size()) {}

  const NameServerSettings& settings() const { return settings_; }
  std::size_t count() const { return channels_.size(); }
  // "10.0.0.1", "10.0.0.1:5353"
  std::string name(std::size_t server) const;
  std::string names() const; // of all

  void ask(std::size_t server, const std::string& name, RecordType type, Question& question);
  bool idle() const;

  // Where to begin: the one that has answered last, so that one that is down costs time once.
  std::size_t first() const { return first_; }
  void has_answered(std::size_t server) { first_ = server; }

  // Blocking mode: until all questions are answered.
  void run();

private:
  NameServerSettings settings_;
  AresChannel::Mode mode_;
  std::uint64_t& questions_;
  std::size_t first_ = 0;
  std::vector<std::unique_ptr<AresChannel>> channels_; // made when first asked
};

} // namespace grove::net::detail
