// SPDX-License-Identifier: MIT
// The ZAP handler: a ROUTER at inproc://zeromq.zap.01, so that no request waits for another.
#include <grove/zmq/authenticator.hpp>

#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/group.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/zmq/detail/secret.hpp>
#include <grove/zmq/socket.hpp>

#include "access_table.hpp"
#include "zap.hpp"

namespace grove::zmq {

using detail::Verdict;
using detail::ZapStatus;

namespace {

constexpr auto endpoint = "inproc://zeromq.zap.01";

} // namespace

struct Authenticator::Impl {
  AuthenticatorOptions options;
  Socket router;
  std::map<std::string, AccessRules, std::less<>> rules;
  Decision decision;
  AuthCounts counts;
  Group decisions;
  GreenletRef<> server;

  Impl(Context& context, const AuthenticatorOptions& with)
      : options(with), router(context, SocketType::router) {
    router.set(option::router_mandatory, true); // to hear of those who have gone
    router.bind(endpoint);
    server = spawn({.name = "zmq::Authenticator"}, [this] { serve(); });
  }
  ~Impl() {
    const Shield shield;
    try {
      router.unbind(endpoint); // close() would give the name up only after a while
    } catch (...) {            // NOLINT(bugprone-empty-catch): the context was shut down
    }
    server.kill();
    decisions.kill();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void serve();
  void answer(Multipart&& frames);
  Verdict judge(const AuthRequest& request, std::string& user_id) const;
  void ask(std::unique_ptr<AuthRequest> request, detail::ZapReturn&& to);
  void reply(detail::ZapReturn&& to, ZapStatus status, std::string_view user_id = {});
};

void Authenticator::Impl::serve() {
  try {
    for (;;)
      answer(router.recv_multipart(Deadline()));
  } catch (const Closed&) { // NOLINT(bugprone-empty-catch): the context was shut down
  }
}

void Authenticator::Impl::answer(Multipart&& frames) {
  detail::ZapRequest parsed = detail::parse_zap_request(std::move(frames));
  if (!parsed.request) {
    ++counts.malformed;
    if (parsed.reply_to)
      reply(*std::move(parsed.reply_to), ZapStatus::denied);
    return;
  }
  auto request = std::make_unique<AuthRequest>(*std::move(parsed.request));
  std::string user_id;
  const Verdict verdict = judge(*request, user_id);
  if (verdict == Verdict::allowed) {
    ++counts.accepted;
    reply(*std::move(parsed.reply_to), ZapStatus::ok, user_id);
  } else if (verdict == Verdict::wrong_address) {
    ++counts.denied_by_address;
    reply(*std::move(parsed.reply_to), ZapStatus::denied);
  } else if (!decision) {
    ++(verdict == Verdict::wrong_mechanism ? counts.denied_by_mechanism
                                           : counts.denied_by_credentials);
    reply(*std::move(parsed.reply_to), ZapStatus::denied);
  } else if (decisions.size() >= options.max_decisions) {
    ++counts.put_off;
    reply(*std::move(parsed.reply_to), ZapStatus::temporary);
  } else {
    const SpawnOptions named{.name = "zmq::Authenticator decision"};
    decisions.spawn(
        named, [this, request = std::move(request), to = *std::move(parsed.reply_to)]() mutable {
          ask(std::move(request), std::move(to));
        });
    return; // and its password is wiped there
  }
  detail::wipe(request->password);
}

Verdict Authenticator::Impl::judge(const AuthRequest& request, std::string& user_id) const {
  auto entry = rules.find(request.domain);
  if (entry == rules.end())
    entry = rules.find("*");
  return entry == rules.end() ? detail::AccessTable().judge(request, user_id)
                              : entry->second.table_->judge(request, user_id);
}

void Authenticator::Impl::ask(std::unique_ptr<AuthRequest> request, detail::ZapReturn&& to) {
  const detail::WipeAtExit wipe(request->password);
  const Decision decide = decision; // which may be replaced meanwhile
  std::exception_ptr failure;
  try {
    const auto decided =
        with_timeout(options.decision_limit, [&] { return decide(std::as_const(*request)); });
    if (!decided) {
      ++counts.put_off;
      reply(std::move(to), ZapStatus::temporary);
    } else if (*decided) {
      ++counts.accepted;
      reply(std::move(to), ZapStatus::ok, **decided);
    } else {
      ++counts.denied_by_decision;
      reply(std::move(to), ZapStatus::denied);
    }
    return;
  } catch (const GreenletExit&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  ++counts.failed;
  reply(std::move(to), ZapStatus::internal);
  std::rethrow_exception(failure); // to be reported
}

// Never waits: the line to one who asks has no limit.
void Authenticator::Impl::reply(detail::ZapReturn&& to, ZapStatus status,
                                std::string_view user_id) {
  try {
    if (router.try_send_multipart(detail::zap_reply(std::move(to), status, user_id)))
      return;
  } catch (const std::system_error&) { // NOLINT(bugprone-empty-catch): the peer has gone
  } catch (const Closed&) {            // NOLINT(bugprone-empty-catch): as serve() will see
  }
  ++counts.abandoned;
}

Authenticator::Authenticator(Context& context, AuthenticatorOptions options)
    : impl_(std::make_unique<Impl>(context, options)) {}

Authenticator::~Authenticator() = default;

AccessRules& Authenticator::rules(const std::string& domain) { return impl_->rules[domain]; }

void Authenticator::decide(Decision decision) { impl_->decision = std::move(decision); }

const AuthCounts& Authenticator::counts() const noexcept { return impl_->counts; }

} // namespace grove::zmq
