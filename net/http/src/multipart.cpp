// SPDX-License-Identifier: MIT
// Forms with files, as they come.
#include <grove/http/multipart.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include <grove/http/error.hpp>

#include "multipart_parser.hpp"

namespace grove::http {

using detail::MultipartParser;
using Event = MultipartParser::Event;

struct Multipart::State {
  Request& request;
  MultipartParser parser;
  std::size_t capacity;
  std::unique_ptr<char[]> buffer;
  std::size_t begin = 0; // of what was read and not used
  std::size_t end = 0;
  std::string_view piece{}; // of the part's body: in the buffer, before begin
  Part part;
  bool within_part = false;
  bool over = false;
  std::exception_ptr fault{}; // nobody knows what would come next

  State(Multipart& form, Request& r, const MultipartLimits& limits)
      : request(r), parser(detail::boundary_of(r.field("Content-Type").value_or("")), limits),
        capacity(std::max<std::size_t>(parser.buffer_size(), 16 * 1024)),
        buffer(new char[capacity]), part(form) {}

  Event step();
};

// The next event; what it needs is read. `more`: the form is over.
Event Multipart::State::step() {
  if (fault != nullptr)
    std::rethrow_exception(fault);
  try {
    while (true) {
      const auto step = parser.step({buffer.get() + begin, end - begin});
      begin += step.used;
      piece = step.data;
      if (step.event != Event::more)
        return step.event;
      std::memmove(buffer.get(), buffer.get() + begin, end - begin);
      end -= std::exchange(begin, 0);
      const std::size_t size = request.read({buffer.get() + end, capacity - end});
      if (size == 0) {
        parser.end();
        return Event::more;
      }
      end += size;
    }
  } catch (const Error&) {
    fault = std::current_exception();
    throw;
  }
}

Multipart::Multipart(Request& request, MultipartLimits limits)
    : state_(std::make_unique<State>(*this, request, limits)) {}
Multipart::Multipart(Multipart&& other) noexcept : state_(std::move(other.state_)) {
  if (state_ != nullptr)
    state_->part.form_ = this;
}
Multipart& Multipart::operator=(Multipart&& other) noexcept {
  state_ = std::move(other.state_);
  if (state_ != nullptr)
    state_->part.form_ = this;
  return *this;
}
Multipart::~Multipart() = default;

Multipart::Part* Multipart::next() {
  State& state = *state_;
  if (state.over)
    return nullptr;
  while (!piece().empty())
    state.piece = {};
  if (state.step() == Event::more) {
    state.over = true;
    return nullptr;
  }
  auto& head = state.parser.part();
  state.part.name_ = std::move(head.name);
  state.part.file_name_ = std::move(head.file_name);
  state.part.fields_ = std::move(head.fields);
  state.within_part = true;
  return &state.part;
}

std::string_view Multipart::piece() {
  State& state = *state_;
  while (state.piece.empty() && state.within_part)
    state.within_part = state.step() != Event::part_end;
  return state.piece;
}

void Multipart::take(std::size_t size) { state_->piece.remove_prefix(size); }

std::size_t Multipart::Part::read(std::span<char> into) {
  if (into.empty())
    return 0;
  const std::string_view piece = form_->piece();
  const std::size_t size = std::min(into.size(), piece.size());
  std::copy_n(piece.data(), size, into.data());
  form_->take(size);
  return size;
}

std::string Multipart::Part::text(std::size_t limit) {
  std::string text;
  copy_to([&](std::string_view piece) {
    if (piece.size() > limit - text.size())
      throw Error(413, "the form: a field is longer than " + std::to_string(limit) + " bytes");
    text += piece;
  });
  return text;
}

std::uint64_t Multipart::Part::copy_to(const std::function<void(std::string_view)>& sink) {
  std::uint64_t size = 0;
  for (std::string_view piece; !(piece = form_->piece()).empty(); size += piece.size()) {
    sink(piece);
    form_->take(piece.size());
  }
  return size;
}

} // namespace grove::http
