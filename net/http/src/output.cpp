// SPDX-License-Identifier: MIT
// What a connection sends.
#include "output.hpp"

#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include <grove/hub/timeout.hpp>

namespace grove::http::detail {

Output::~Output() {
  if (helper_) {
    const Shield shield;
    helper_.kill();
  }
}

// Nearly always all of it: without a deadline, for which the clock would have to be read.
std::size_t Output::try_write(std::string_view data) {
  if (socket_ == nullptr)
    return 0;
  try {
    return socket_->try_send(data).value_or(0);
  } catch (const std::exception&) {
    throw Gone();
  }
}

// Who takes nothing for so long is cut, who is slow is not.
void Output::write(std::span<const std::string_view> parts) {
  try {
    stream_.send_steadily(parts, stall_);
  } catch (const std::exception&) {
    throw Gone();
  }
}

void Output::await_helper() {
  if (helping_)
    helper_.join();
  if (failed_)
    throw Gone();
}

void Output::flush() {
  await_helper();
  if (gathered_.empty())
    return;
  gathered_.drop(try_write(gathered_.view()));
  if (const std::string_view data = gathered_.view(); !data.empty())
    write(std::span(&data, 1));
  gathered_.release();
}

void Output::flush_beside() {
  if (gathered_.empty() || (helper_ && !helper_.ready()))
    return;
  helper_ = spawn([this] {
    helping_ = true;
    while (!gathered_.empty() && !failed_) {
      const net::detail::Buffer data = std::exchange(gathered_, {});
      const std::string_view view = data.view();
      try {
        write(std::span(&view, 1));
      } catch (const Gone&) {
        failed_ = true;
      }
    }
    helping_ = false;
  });
}

void Output::send(std::span<const std::string_view> parts) {
  await_helper();
  if (gathered_.empty())
    return write(parts);
  const auto before = std::exchange(gathered_, {}); // the helper must not see it
  std::vector<std::string_view> all{before.view()};
  all.insert(all.end(), parts.begin(), parts.end());
  write(all);
}

std::size_t Output::send_file(net::StreamSocket& socket, int file, std::uint64_t offset,
                              std::size_t count) {
  await_helper();
  try {
    return socket.send_file(file, offset, count, stall_);
  } catch (const std::exception&) {
    throw Gone();
  }
}

} // namespace grove::http::detail
