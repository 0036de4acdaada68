// A request that reports its outcome to a slow service, again and again until it is accepted.
//
// The retry loop sleeps between attempts and never looks at its context, so it goes on long after
// the request is over.
#include <stranded/context.h>
#include <stranded/leak_check.h>
#include <stranded/select.h>
#include <stranded/task.h>
#include <stranded/time.h>

using namespace stranded;  // NOLINT

namespace {

bool ReportOutcome() { return false; }  // the service is down

void Retry(const Context& ctx) {
  (void)ctx;
  while (!ReportOutcome()) {
    this_task::SleepFor(absl::Milliseconds(200));
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
