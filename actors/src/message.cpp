// SPDX-License-Identifier: MIT
// What a catch-all handler learns of its message, and how it refuses one.
#include <grove/actors/message.hpp>

#include <stdexcept>
#include <string>

#include <grove/actors/errors.hpp>
#include <grove/actors/trace.hpp>
#include <grove/hub/detail/report.hpp>

namespace grove {

std::uint64_t Message::trace() const { return current_trace(); }

void Message::refuse() const {
  throw UnexpectedMessage(detail::name_of(detail::here().current) + " does not take " +
                          type_name());
}

void Message::note_taken(bool same_type, const char* wanted) {
  const auto wrong = [wanted](const std::string& what) {
    throw std::logic_error(std::string("grove: Message.take<") + wanted + ">: " + what);
  };
  if (!same_type)
    wrong(std::string("it is a ") + type_name());
  if (taken_)
    wrong("it was taken before");
  taken_ = true;
}

} // namespace grove
