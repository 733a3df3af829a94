// SPDX-License-Identifier: MIT
// Lookup: one name, asked for under each of its candidates, at each of the servers.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "name_servers.hpp"

namespace grove::net::detail {

// For a host two questions are under way at once, one for each family; for a service one. A server
// that fails, or is silent, hands its question on to the next one, in rounds; one that says that it
// will not answer is not asked again. The first candidate that has an address ends it; so does one
// that no server could answer for, or a failing server could make a name be found elsewhere.
//
// Wants nothing of a hub. Who begins it keeps the NameServers; it keeps itself until all its
// questions are answered.
class Lookup : public std::enable_shared_from_this<Lookup> {
public:
  enum class Kind { host, service };
  Lookup(NameServers& servers, Kind kind, std::vector<std::string> candidates);
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  virtual ~Lookup() = default;

  void begin() noexcept;

protected:
  // It is over. Once.
  virtual void found(Answer answer) noexcept = 0;
  // One family has addresses, the other is still out.
  virtual void found_some() noexcept {}
  // found() what there is by now, if it was not yet: the rest comes too late.
  void settle_for_some() noexcept;

private:
  class Part final : public Question {
  public:
    void begin(Lookup& lookup, RecordType type);
    void answered(int status, std::span<const unsigned char> packet) noexcept override;
    bool is_out() const { return lookup_ != nullptr; }
    const Reply& reply() const { return reply_; }
    // Who has answered: "10.0.0.1"; or what each said: "10.0.0.1: SERVFAIL; 10.0.0.2: no answer".
    std::string asked(const NameServers& servers) const;

  private:
    void ask_next() noexcept;
    Lookup* lookup_ = nullptr; // while it is under way
    RecordType type_ = RecordType::a;
    std::size_t turn_ = 0;
    std::size_t asked_ = 0; // the server
    std::vector<const char*> said_;
    std::vector<char> will_not_; // by server
    Reply reply_;
  };
  friend class Part;

  std::span<Part> parts() { return {parts_, kind_ == Kind::host ? 2U : 1U}; }
  std::span<const Part> parts() const { return {parts_, kind_ == Kind::host ? 2U : 1U}; }
  void begin_candidate();
  void part_is_home();
  void end_candidate();
  void finish(Answer answer) noexcept;
  Answer answer() const; // what the parts have
  Answer failure(ResolveError::Reason reason, const Part& part) const;

  NameServers& servers_;
  Kind kind_;
  std::vector<std::string> candidates_;
  std::size_t candidate_ = 0;
  std::size_t first_ = 0; // server, for this candidate
  Part parts_[2];
  std::size_t out_ = 0; // parts
  bool over_ = false;
  bool exists_ = false; // one of the candidates has no address, but is a name
  // Of the candidates that are not it: whether each says how long that holds, and for how long all.
  bool keeps_ = true;
  std::optional<std::uint32_t> no_ttl_;
  std::shared_ptr<Lookup> self_; // while parts are out
};

} // namespace grove::net::detail
