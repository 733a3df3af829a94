// SPDX-License-Identifier: MIT
// ZeroMQ's own error numbers, and how they become exceptions.
#include <grove/zmq/error.hpp>

#include <zmq.h>

#include <cerrno>

#include <grove/hub/exceptions.hpp>

#include "fail.hpp"

namespace grove::zmq {

static_assert(static_cast<int>(Errc::wrong_state) == EFSM);
static_assert(static_cast<int>(Errc::incompatible_protocol) == ENOCOMPATPROTO);

namespace {

class Category final : public std::error_category {
public:
  const char* name() const noexcept override { return "zmq"; }
  std::string message(int code) const override { return zmq_strerror(code); }
};

} // namespace

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

namespace detail {

std::error_code code_of(int error) noexcept {
  if (error > ZMQ_HAUSNUMERO)
    return {error, error_category()};
  return {error, std::generic_category()};
}

void fail(int error, const std::string& what) {
  if (error == ETERM)
    throw Closed(what + ": the context was shut down");
  if (error == ENOTSOCK)
    throw Closed(what + ": the socket was closed");
  throw std::system_error(code_of(error), what);
}

} // namespace detail
} // namespace grove::zmq
