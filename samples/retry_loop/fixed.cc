// A request that reports its outcome to a slow service, again and again until it is accepted.
//
// The twin of leaky.cc: between attempts the loop waits for its timer or for the end of its
// context, whichever comes first.
#include <stranded/context.h>
#include <stranded/leak_check.h>
#include <stranded/select.h>
#include <stranded/task.h>
#include <stranded/time.h>

using namespace stranded;  // NOLINT

namespace {

bool ReportOutcome() { return false; }  // the service is down

void Retry(const Context& ctx) {
  while (!ReportOutcome() && ctx.Err().ok()) {
    Select(OnRecv(After(absl::Milliseconds(200))), OnDone(ctx));
  }
}

void Handle(const Context& server) {
  auto [request, done] = WithTimeout(server, absl::Milliseconds(50));
  Go({.name = "retry"}, request, [request = request] { Retry(request); });
  request.Done().Recv();
  done();
}

}  // namespace

int main() {
  return CheckedMain([] { Handle(Background()); });
}
