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
  // What the decision is asked, and is to be answered once. Who is not heard to the end, as the
  // Authenticator goes, is put off.
  class Question {
  public:
    Question(Impl& impl, detail::ZapRequest&& parsed)
        : impl_(&impl), request_(std::move(parsed.request)), to_(std::move(parsed.reply_to)) {}
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    ~Question() { answer(impl_->counts.put_off, ZapStatus::temporary); }
    void ask();

  private:
    void answer(std::uint64_t& count, ZapStatus status, std::string_view user_id = {});
    Impl* impl_;
    detail::AuthRequestPtr request_;
    std::optional<detail::ZapReturn> to_;
  };

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
  const AuthRequest& request = *parsed.request;
  std::string user_id;
  const Verdict verdict = judge(request, user_id);
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
    detail::ZapReturn apology{parsed.reply_to->peer.copy(), parsed.reply_to->request_id.copy()};
    try {
      decisions.spawn({.name = "zmq::Authenticator decision"},
                      [this, parsed = std::move(parsed)]() mutable {
                        Question(*this, std::move(parsed)).ask();
                      });
    } catch (
        const std::exception&) { // no memory for it; the next one must be answered all the same
      ++counts.put_off;
      reply(std::move(apology), ZapStatus::temporary);
    }
  }
}

Verdict Authenticator::Impl::judge(const AuthRequest& request, std::string& user_id) const {
  auto entry = rules.find(request.domain);
  if (entry == rules.end())
    entry = rules.find("*");
  return entry == rules.end() ? detail::AccessTable().judge(request, user_id)
                              : entry->second.table_->judge(request, user_id);
}

void Authenticator::Impl::Question::ask() {
  const Decision decide = impl_->decision; // which may be replaced meanwhile
  std::exception_ptr failure;
  try {
    const auto decided = with_timeout(impl_->options.decision_limit,
                                      [&] { return decide(std::as_const(*request_)); });
    if (!decided) {
      answer(impl_->counts.put_off, ZapStatus::temporary);
    } else if (*decided) {
      answer(impl_->counts.accepted, ZapStatus::ok, **decided);
    } else {
      answer(impl_->counts.denied_by_decision, ZapStatus::denied);
    }
    return;
  } catch (const GreenletExit&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  answer(impl_->counts.failed, ZapStatus::internal);
  std::rethrow_exception(failure); // to be reported
}

void Authenticator::Impl::Question::answer(std::uint64_t& count, ZapStatus status,
                                           std::string_view user_id) {
  if (auto to = std::exchange(to_, std::nullopt)) {
    ++count;
    impl_->reply(*std::move(to), status, user_id);
  }
}

// Never waits: the line to one who asks has no limit.
void Authenticator::Impl::reply(detail::ZapReturn&& to, ZapStatus status,
                                std::string_view user_id) {
  try {
    if (router.try_send_multipart(detail::zap_reply(std::move(to), status, user_id)))
      return;
  } catch (
      const std::exception&) { // NOLINT(bugprone-empty-catch): the peer, or the context, has gone
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
