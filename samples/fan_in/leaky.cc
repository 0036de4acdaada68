// Results of several sources flow into one channel; an error ends the reading early.
//
// The reader returns at the first error. The sources that have not yet sent block for ever: nobody
// reads the rest.
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/leak_check.h>
#include <stranded/task.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

using namespace stranded;  // NOLINT

namespace {

constexpr int kSources = 5;

absl::StatusOr<int> Read(int source) {
  if (source == 1) return absl::UnavailableError("source 1 is down");
  this_task::SleepFor(absl::Milliseconds(40 * (source + 1)));
  return source * 10;
}

absl::Status SumAll(const Context& parent, int* sum) {
  auto [ctx, cancel] = WithCancel(parent);
  Chan<absl::StatusOr<int>> results;
  for (int source = 0; source < kSources; ++source) {
    Go({.name = "source"}, ctx, [results, source] {
      absl::StatusOr<int> result = Read(source);
      results.Send(std::move(result));
    });
  }
  absl::Status status;
  for (int i = 0; i < kSources && status.ok(); ++i) {
    const absl::StatusOr<int> result = *results.Recv();
    if (result.ok()) {
      *sum += *result;
    } else {
      status = result.status();
    }
  }
  cancel();
  return status;
}

}  // namespace

int main() {
  return CheckedMain([] {
    int sum = 0;
    SumAll(Background(), &sum).IgnoreError();
  });
}
