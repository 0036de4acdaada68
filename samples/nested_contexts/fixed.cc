// A request with a deadline makes child calls, each with a shorter timeout of its own.
//
// The twin of leaky.cc: each channel has room for its one answer, so that a task whose caller has
// given up leaves its result and finishes.
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/leak_check.h>
#include <stranded/select.h>
#include <stranded/task.h>

#include <string>

using namespace stranded;  // NOLINT

namespace {

// Private key types: nobody else can read or replace these values.
struct TraceId {
  using Value = std::string;
  static constexpr bool kPrintable = true;  // may stand in reports
};
struct SessionToken {
  using Value = std::string;  // secret: not printable
};

std::string Query(const Context& ctx, const std::string& what, absl::Duration takes) {
  const std::string* token = ctx.Value<SessionToken>();
  this_task::SleepFor(takes);
  return token == nullptr ? "refused" : what;
}

// The answer to `what`, or nothing when it takes longer than `patience`.
std::string LookUp(const Context& request, const std::string& what, absl::Duration takes,
                   absl::Duration patience) {
  auto [ctx, cancel] = WithTimeout(request, patience);
  Chan<std::string> answer(1);
  Go({.name = what}, ctx, [ctx = ctx, what, takes, answer] {
    const std::string result = Query(ctx, what, takes);
    answer.Send(result);
  });
  std::string got;
  Select(OnRecv(answer, [&](std::optional<std::string> a) { got = *a; }),
         OnDone(ctx, [&] { got = "unknown"; }));
  cancel();
  return got;
}

void Handle(const Context& server) {
  auto [request, done] =
      WithTimeout(WithValue<TraceId>(server, "req-7f3a"), absl::Milliseconds(80));
  const Context user = WithValue<SessionToken>(request, "secret");
  LookUp(user, "profile", absl::Milliseconds(40), absl::Milliseconds(20));
  LookUp(user, "orders", absl::Milliseconds(90),
         absl::Milliseconds(200));  // the request ends first
  done();
}

}  // namespace

int main() {
  return CheckedMain([] { Handle(Background()); });
}
