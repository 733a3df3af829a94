// SPDX-License-Identifier: MIT
// ConnectionPool: connections that are made when needed, lent, and used again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/timer.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/semaphore.hpp>

namespace grove::net {

// ConnectionPool<Connection> lends at most so many connections of one kind: a StreamSocket, a
// database session, whatever a function returns and closes itself when it is destroyed. Who finds
// none free waits, first come, first served. The one that was given back last is lent first, so
// that those that are not needed grow old and are closed.
//
//   ConnectionPool<StreamSocket> pool([] { return connect("db.example", 5432, 5s); }, {});
//   auto db = pool.borrow(1s);
//   db->send_all(question);   // if something is thrown from here, db is not lent again
//
// Hub-local. A kill, a Timeout scope or a deadline that ends a wait for a connection leaves the
// pool as it was; one that comes while a connection is made, or tested, drops that connection. What
// is lent may outlive the pool.
template <class Connection>
class ConnectionPool {
  struct State;

public:
  using Make = std::function<Connection()>;
  struct Options {
    std::size_t max_size = 10; // connections, lent or idle
    // One that was idle for so long is closed.
    std::chrono::milliseconds max_idle{60'000};
    // Asked of an idle one that is about to be lent; false or an exception: it is closed, and the
    // next one taken. May wait. A StreamSocket, say, is fit unless it has something to read.
    std::function<bool(Connection&)> is_fit{};
  };

  // A connection that is lent. Given back when destroyed; dropped instead if that is for an
  // exception (a kill is one): nobody knows in what state it was left. Movable.
  class Lease {
  public:
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (std::uncaught_exceptions() > exceptions_)
        connection_.reset();
      give_back();
    }

    Connection& operator*() { return *connection_; }
    Connection* operator->() { return connection_.get(); }
    // Gives it back before the end. Not to be used afterwards, as with discard().
    void release() { give_back(); }
    // It is broken: closes it.
    void discard() {
      connection_.reset();
      give_back();
    }

  private:
    friend class ConnectionPool;
    Lease(std::shared_ptr<State> state, std::unique_ptr<Connection> connection)
        : state_(std::move(state)), connection_(std::move(connection)) {}
    void give_back() {
      if (const auto state = std::exchange(state_, nullptr))
        state->take_back(std::move(connection_));
    }
    std::shared_ptr<State> state_; // null: given back
    std::unique_ptr<Connection> connection_;
    int exceptions_ = std::uncaught_exceptions();
  };

  // std::invalid_argument for a pool of none, or a negative time.
  explicit ConnectionPool(Make make) : ConnectionPool(std::move(make), Options{}) {}
  ConnectionPool(Make make, Options options)
      : state_(std::make_shared<State>(std::move(make), std::move(options))) {}
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;
  ~ConnectionPool() { close(); }

  // An idle connection that is fit, else a new one, else the next that is given back. TimeoutError
  // if none was free in time (making and testing one have limits of their own); Closed; what the
  // function that makes them throws.
  Lease borrow(Deadline deadline = {}) {
    const auto state = state_; // the pool may go meanwhile
    return state->borrow(deadline);
  }

  // Closes the idle ones, and those that are lent as they come back. Who waits is woken with
  // Closed. A second time: nothing.
  void close() { state_->close(); }

  struct Stats {
    std::size_t lent = 0;
    std::size_t idle = 0;
    std::size_t waiting = 0;
    std::uint64_t made = 0;
    std::uint64_t reused = 0;    // lent again
    std::uint64_t unfit = 0;     // closed when they were about to be lent
    std::uint64_t expired = 0;   // closed since they were idle for long
    std::uint64_t discarded = 0; // by who had borrowed them
  };
  Stats stats() const { return state_->stats(); }

private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    std::int64_t since;
  };
  struct Expiry : grove::detail::Timer {
    State* state = nullptr;
  };

  struct State : std::enable_shared_from_this<State> {
    State(Make m, Options o) : make(std::move(m)), options(std::move(o)) {
      if (options.max_size == 0 || options.max_idle.count() < 0)
        throw std::invalid_argument("grove: ConnectionPool: no connection, or a negative time");
      slots.emplace(static_cast<std::ptrdiff_t>(options.max_size));
      expiry.state = this;
      expiry.fire = [](grove::detail::Timer& timer) noexcept {
        static_cast<Expiry&>(timer).state->on_expiry();
      };
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { grove::detail::disarm(expiry); }

    // A slot is held by each that is lent, and by who makes or tests one.
    struct Slot {
      std::shared_ptr<State> state;
      ~Slot() {
        if (state != nullptr)
          state->free_slot();
      }
    };

    Lease borrow(Deadline deadline) {
      take_slot(deadline);
      Slot slot{this->shared_from_this()};
      while (auto known = take_idle()) {
        if (passes(*known)) {
          ++counts.reused;
          return Lease(std::move(slot.state), std::move(known));
        }
        ++counts.unfit;
      }
      std::unique_ptr<Connection> fresh(new Connection(make())); // need not be movable
      ++counts.made;
      return Lease(std::move(slot.state), std::move(fresh));
    }
    void take_back(std::unique_ptr<Connection> connection) {
      if (connection == nullptr)
        ++counts.discarded;
      else if (slots)
        put_idle(connection);
      connection.reset(); // perhaps: before another takes the place
      free_slot();
    }

    void take_slot(Deadline deadline) {
      home("ConnectionPool.borrow");
      if (!slots)
        throw_closed();
      bool in_time = false;
      try {
        in_time = slots->acquire(deadline);
      } catch (const Closed&) { // the slots went with close()
        throw_closed();
      }
      if (!in_time)
        throw TimeoutError("ConnectionPool.borrow: no connection was free in time");
      if (!slots) // closed before our turn came
        throw_closed();
      ++lent;
    }
    void free_slot() {
      --lent;
      if (slots)
        slots->release();
    }
    [[noreturn]] static void throw_closed() {
      throw Closed("ConnectionPool.borrow: the pool is closed");
    }

    std::unique_ptr<Connection> take_idle() {
      if (idle.empty())
        return nullptr;
      std::unique_ptr<Connection> last = std::move(idle.back().connection);
      idle.pop_back();
      if (idle.empty())
        grove::detail::disarm(expiry);
      return last;
    }
    void put_idle(std::unique_ptr<Connection>& connection) noexcept {
      try {
        const std::int64_t now = grove::detail::now_nanoseconds();
        if (!expiry.armed())
          grove::detail::arm(expiry, now + lifetime());
        idle.push_back({std::move(connection), now});
      } catch (const std::bad_alloc&) { // then it is closed
      }
    }
    bool passes(Connection& connection) {
      if (!options.is_fit)
        return true;
      try {
        return options.is_fit(connection);
      } catch (const std::exception&) {
        return false;
      }
    }

    std::int64_t lifetime() const { return std::chrono::nanoseconds(options.max_idle).count(); }
    // To close one may take a wait: a greenlet does it.
    void on_expiry() noexcept {
      Hub::current().post([self = this->shared_from_this()] { self->drop_expired(); });
    }
    void drop_expired() {
      const std::int64_t now = grove::detail::now_nanoseconds();
      while (!idle.empty() && idle.front().since + lifetime() <= now) {
        const Idle old = std::move(idle.front());
        idle.pop_front();
        ++counts.expired;
      }
      if (!idle.empty() && !expiry.armed())
        grove::detail::arm(expiry, idle.front().since + lifetime());
    }

    void close() {
      const auto keep = this->shared_from_this();
      slots.reset();
      grove::detail::disarm(expiry);
      const std::deque<Idle> last = std::exchange(idle, {});
    }
    Stats stats() const {
      Stats all = counts;
      all.lent = lent;
      all.idle = idle.size();
      all.waiting = slots ? slots->waiters() : 0;
      return all;
    }

    grove::detail::HomeCheck home;
    Make make;
    Options options;
    std::optional<Semaphore> slots; // none: closed
    std::deque<Idle> idle;          // the oldest first
    std::size_t lent = 0;
    Expiry expiry; // armed while there are idle ones
    Stats counts;
  };

  std::shared_ptr<State> state_;
};

} // namespace grove::net
