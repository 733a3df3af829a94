// SPDX-License-Identifier: MIT
// connect() to a host: happy eyeballs (RFC 8305, section 5).
#include <cerrno>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <grove/hub/event.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/group.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/resolver.hpp>

#include "address_order.hpp"
#include "host_name.hpp"

namespace grove::net {

namespace {

// One attempt for each address, in greenlets. Destroying it ends those that are under way, which
// close their sockets.
class Race {
public:
  Race(std::string target, std::vector<Address> addresses, Deadline deadline,
       const ConnectOptions& options)
      : target_(std::move(target)), addresses_(std::move(addresses)), deadline_(deadline),
        options_(options) {}

  StreamSocket run() {
    while (!winner_) {
      if (error_ != nullptr)
        std::rethrow_exception(error_);
      const bool has_more = begun_ < addresses_.size();
      if (has_more)
        begin_next();
      else if (failures_.size() == addresses_.size())
        throw std::system_error(failures_.back().second, words());
      const bool comes_next = begun_ < addresses_.size();
      const Deadline patience =
          comes_next ? earlier(deadline_, Deadline(options_.attempt_delay)) : deadline_;
      news_.clear();
      if (!news_.wait(patience) && deadline_.has_passed())
        throw TimeoutError(words() + ": the deadline came first");
    }
    return std::move(*winner_);
  }

private:
  void begin_next() {
    attempts_.spawn([this, i = begun_++] { attempt(addresses_[i]); });
  }
  void attempt(const Address& address) {
    try {
      StreamSocket socket = connect(address, {}, options_);
      if (!winner_)
        winner_.emplace(std::move(socket));
    } catch (const std::system_error& error) {
      failures_.emplace_back(address, error.code());
    } catch (const std::exception&) {
      error_ = std::current_exception();
    }
    news_.set();
  }
  // "connect to db.example:5432 ([2001:db8::1]:5432: No route to host; 192.0.2.1:5432: no answer)"
  std::string words() const {
    std::string all;
    for (std::size_t i = 0; i < begun_; ++i) {
      std::string why = "no answer";
      for (const auto& [address, code] : failures_) {
        if (address == addresses_[i])
          why = code.message();
      }
      all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", addresses_[i].to_string(), why);
    }
    return fmt::format("connect to {} ({})", target_, all);
  }

  const std::string target_;
  const std::vector<Address> addresses_;
  const Deadline deadline_;
  const ConnectOptions& options_;
  std::size_t begun_ = 0;
  std::vector<std::pair<Address, std::error_code>> failures_; // in their order
  std::optional<StreamSocket> winner_;
  std::exception_ptr error_; // of no connection: no memory, say
  Event news_;
  Group attempts_; // goes first
};

} // namespace

StreamSocket connect(std::string_view host, std::uint16_t port, Deadline deadline,
                     const ConnectOptions& options) {
  if (const auto address = detail::address_in(host))
    return connect(address->with_port(port), deadline, options);
  std::vector<Address> addresses = resolve(host, port, deadline);
  if (options.bind_to) { // the others could not be reached from there
    std::erase_if(addresses,
                  [&](const Address& one) { return one.family() != options.bind_to->family(); });
  }
  const std::string target = fmt::format("{}:{}", host, port);
  if (addresses.empty()) {
    throw std::system_error(
        EAFNOSUPPORT, std::system_category(),
        fmt::format("connect to {} from {}", target, options.bind_to->to_string()));
  }
  detail::take_families_in_turn(addresses);
  return Race(target, std::move(addresses), deadline, options).run();
}

} // namespace grove::net
