// SPDX-License-Identifier: MIT
// Lookout: whether a hub with nothing to do had better look out for news for a moment than sleep.
#pragma once

#include <algorithm>
#include <cstdint>

namespace grove::detail {

// To sleep and to be woken takes tens of microseconds, and processor time of both sides. Who will
// hear of something sooner than that stays awake; but that shows afterwards only. So a lookout is
// tried after some short sleeps, and again as long as it brings news. Each one in vain doubles the
// number of sleeps until the next: whoever is awaited may need the very processor that looks out.
class Lookout {
public:
  // The hub is about to sleep. Whether it should look out first: then paid() or in_vain() follows.
  bool is_due() noexcept {
    if (short_sleeps_ < before_first)
      return false;
    if (left_ == 0)
      return true;
    --left_;
    return false;
  }
  void paid() noexcept { pause_ = 0; }
  void in_vain() noexcept { left_ = pause_ = std::min(2 * pause_ + 1, longest_pause); }
  void slept(bool briefly) noexcept { short_sleeps_ = briefly ? short_sleeps_ + 1 : 0; }

private:
  static constexpr std::uint32_t before_first = 2;
  static constexpr std::uint32_t longest_pause = 4095;

  std::uint32_t short_sleeps_ = 0; // in a row
  std::uint32_t pause_ = 0;        // after one in vain: sleeps without
  std::uint32_t left_ = 0;         // of these
};

} // namespace grove::detail
