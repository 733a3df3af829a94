// SPDX-License-Identifier: MIT
// Savina 30, Fibonacci: the 25th number, by a tree of 150,049 actors.
#include <cstdint>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>

#include "savina/program.hpp"

namespace {

struct Request {
  std::int64_t n;
};
struct Response {
  std::int64_t value;
};

class Fibonacci : public grove::Actor {
public:
  explicit Fibonacci(std::int64_t* result) : result_(result) {}
  explicit Fibonacci(grove::ActorRef<Fibonacci> parent) : parent_(parent) {}

  void receive(const Request& request) {
    if (request.n <= 2) {
      answer(1);
      return;
    }
    grove::spawn<Fibonacci>(self(*this)).tell(Request{request.n - 1});
    grove::spawn<Fibonacci>(self(*this)).tell(Request{request.n - 2});
  }
  void receive(const Response& response) {
    sum_ += response.value;
    if (++responses_ == 2)
      answer(sum_);
  }

private:
  void answer(std::int64_t value) {
    if (result_ != nullptr)
      *result_ = value;
    else
      parent_.tell(Response{value});
    stop();
  }

  std::int64_t* result_ = nullptr; // of the root
  grove::ActorRef<Fibonacci> parent_;
  std::int64_t sum_ = 0;
  int responses_ = 0;
};

auto fibonacci() {
  std::int64_t result = 0;
  const auto root = grove::spawn<Fibonacci>(&result);
  root.tell(Request{25});
  root.join();
  return [result] { savina::expect_equal("the number", result, std::int64_t{75'025}); };
}

SAVINA_PROGRAM("fib", fibonacci);

} // namespace
