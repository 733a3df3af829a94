// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <fmt/core.h>

namespace box_office {

ShowRecord& Show::record() {
  if (!record_)
    record_ = database_->show(id_).value();
  return *record_;
}

Overview Show::receive(const Look&) {
  const ShowRecord& show = record();
  return {show.id, show.name, show.seats, show.free};
}

Ticket Show::receive(const Sell& order) {
  ShowRecord& show = record();
  if (order.seats > show.free)
    throw SoldOut(fmt::format("there are {} seats left", show.free));
  const Id ticket = database_->add_ticket(id_, order.customer, order.seats);
  show.free -= order.seats;
  return {ticket, order.customer, order.seats};
}

void Show::receive(const TakeBack& order) {
  ShowRecord& show = record();
  const auto seats = database_->remove_ticket(id_, order.ticket);
  if (!seats)
    throw NoSuchTicket(fmt::format("there is no ticket {}", order.ticket));
  show.free += *seats;
}

} // namespace box_office
