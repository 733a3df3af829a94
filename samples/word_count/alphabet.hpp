// SPDX-License-Identifier: MIT
// What a word is.
#pragma once

#include <array>
#include <climits>
#include <cstddef>
#include <string_view>

namespace word_count {

// A word is a longest run of bytes of one kind, as the shell's `tr` has it (in the C locale):
//   alnum   letters and digits        tr -cs '[:alnum:]' '\n'
//   alpha   letters                   tr -cs '[:alpha:]' '\n'
//   space   anything but white space  tr -s '[:space:]' '\n'
// So no word holds a newline. A value; any thread.
class Alphabet {
public:
  // std::invalid_argument for any other name.
  explicit Alphabet(std::string_view name);

  bool has(char c) const { return members_[static_cast<unsigned char>(c)]; }

  // Calls f with each word of the text, in order.
  template <class F>
  void for_each_word(std::string_view text, F&& f) const {
    const char* at = text.data();
    const char* const end = at + text.size();
    for (;;) {
      while (at != end && !has(*at))
        ++at;
      if (at == end)
        return;
      const char* const begin = at;
      while (at != end && has(*at))
        ++at;
      f(std::string_view(begin, static_cast<std::size_t>(at - begin)));
    }
  }

private:
  std::array<bool, UCHAR_MAX + 1> members_{};
};

} // namespace word_count
