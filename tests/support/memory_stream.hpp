// SPDX-License-Identifier: MIT
// A stream without a kernel behind it: gives what it was given, in pieces, and remembers what it
// was sent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <grove/net/stream.hpp>

namespace grove::test {

class MemoryStream final : public net::Stream {
public:
  // `piece` says how many bytes the next call gets or sends at the most; one at least.
  explicit MemoryStream(
      std::string input, std::function<std::size_t()> piece = [] { return ~std::size_t{0}; })
      : input_(std::move(input)), piece_(std::move(piece)) {}

  std::size_t reads = 0;
  std::size_t writes = 0;
  std::string sent;
  std::size_t left() const { return input_.size() - at_; }

  void shutdown_write(Deadline) override {}
  void close() noexcept override { open_ = false; }
  bool is_open() const noexcept override { return open_; }
  std::string name() const override { return "memory"; }

private:
  std::size_t read_some(std::span<char> into, Deadline) override {
    ++reads;
    const std::size_t count = std::min({into.size(), left(), piece_()});
    if (count > 0)
      std::memcpy(into.data(), input_.data() + at_, count);
    at_ += count;
    return count;
  }
  bool wait_to_read(Deadline) override { return true; }
  std::size_t write_some(std::span<const std::string_view> parts, Deadline) override {
    ++writes;
    std::size_t room = piece_();
    const std::size_t before = sent.size();
    for (const std::string_view part : parts) {
      sent += part.substr(0, room);
      room -= std::min(room, part.size());
    }
    return sent.size() - before;
  }
  std::string input_;
  std::size_t at_ = 0;
  std::function<std::size_t()> piece_;
  bool open_ = true;
};

} // namespace grove::test
