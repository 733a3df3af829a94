// SPDX-License-Identifier: MIT
// Savina 29, N-Queens first K solutions: 20 workers place 12 queens. Boards with fewer than four
// are messages, which the master hands out in turn; the rest of a board is solved by one worker.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"

namespace {

constexpr int size = 12;
constexpr int threshold = 4;
constexpr int workers = 20;
constexpr std::int64_t enough = 1'500'000; // K: more than there are
constexpr std::int64_t all_solutions = 14'200;

struct Board {
  std::array<int, size> columns{}; // of the queens, row by row
  int queens = 0;
};
// Whether no two queens beat each other.
bool valid(const Board& board) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(board.queens); ++i) {
    for (std::size_t j = i + 1; j < static_cast<std::size_t>(board.queens); ++j) {
      const int rows = static_cast<int>(j - i);
      const int columns = board.columns[j] - board.columns[i];
      if (columns == 0 || columns == rows || columns == -rows)
        return false;
    }
  }
  return true;
}
// The valid boards with one queen more.
template <class Use>
void place_one_more(const Board& board, Use use) {
  for (int column = 0; column < size; ++column) {
    Board next = board;
    next.columns[static_cast<std::size_t>(next.queens++)] = column;
    if (valid(next))
      use(next);
  }
}

class Master;
struct Solved {};
struct Done {};

class Worker : public grove::Actor {
public:
  explicit Worker(grove::ActorRef<Master> master) : master_(master) {}
  void receive(const Board& board);

private:
  void solve(const Board& board);
  grove::ActorRef<Master> master_;
};

class Master : public grove::Actor {
public:
  explicit Master(std::int64_t* solutions) : solutions_(solutions) {}

  void on_start() override {
    for (int i = 0; i < workers; ++i)
      workers_.push_back(grove::spawn<Worker>(self(*this)));
    hand_out(Board{});
  }
  void receive(const Board& board) { hand_out(board); }
  void receive(const Solved&) {
    if (++*solutions_ == enough)
      finish();
  }
  void receive(const Done&) {
    if (++done_ == handed_out_)
      finish();
  }

private:
  void hand_out(const Board& board) { workers_[handed_out_++ % workers_.size()].tell(board); }
  void finish() {
    for (const auto& worker : workers_)
      worker.stop();
    grove::join_all(workers_);
    stop();
  }

  std::int64_t* solutions_;
  std::vector<grove::ActorRef<Worker>> workers_;
  std::size_t handed_out_ = 0;
  std::size_t done_ = 0;
};

void Worker::receive(const Board& board) {
  if (board.queens < threshold)
    place_one_more(board, [this](const Board& next) { master_.tell(next); });
  else
    solve(board);
  master_.tell(Done{});
}
void Worker::solve(const Board& board) {
  if (board.queens == size)
    master_.tell(Solved{});
  else
    place_one_more(board, [this](const Board& next) { solve(next); });
}

auto queens() {
  std::int64_t solutions = 0;
  grove::spawn<Master>(&solutions).join();
  return [solutions] { savina::expect_equal("solutions", solutions, all_solutions); };
}

SAVINA_PROGRAM("nqueenk", queens);

} // namespace
