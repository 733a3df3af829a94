// SPDX-License-Identifier: MIT
#include "hosts_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <stdexcept>

namespace grove::net::detail {

namespace {

constexpr std::string_view blanks = " \t\r\v\f";

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

std::string lower(std::string_view text) {
  std::string all(text);
  for (char& c : all)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return all;
}

} // namespace

const std::vector<Address>& HostsFile::find(std::string_view name) {
  static const std::vector<Address> none;
  if (path_.empty())
    return none;
  if (stamp_.changed(path_))
    read();
  const auto found = hosts_.find(std::string(name));
  return found == hosts_.end() ? none : found->second;
}

void HostsFile::read() {
  hosts_.clear();
  std::ifstream file(path_);
  if (!file.is_open() && errno != ENOENT) // no descriptor left, say
    stamp_.forget();
  for (std::string text; std::getline(file, text);) {
    std::string_view line = std::string_view(text).substr(0, text.find('#'));
    const std::string_view first = take_word(line);
    Address address;
    try {
      address = Address::ip(first, 0);
    } catch (const std::invalid_argument&) { // an empty line, or a bad one
      continue;
    }
    for (std::string_view name = take_word(line); !name.empty(); name = take_word(line)) {
      auto& known = hosts_[lower(name)];
      if (std::find(known.begin(), known.end(), address) == known.end())
        known.push_back(address);
    }
  }
}

} // namespace grove::net::detail
