// kubernetes 5316: a request that times out leaves its worker sending.
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

template <class F>
absl::StatusOr<bool> FinishRequest(absl::Duration timeout, F fn) {
  Chan<bool> results;         // fix: raise_buffer
  Chan<absl::Status> errors;  // fix: raise_buffer
  Go([results, errors, fn] {
    const absl::StatusOr<bool> result = fn();
    if (!result.ok()) {
      errors.Send(result.status());  // blocks: chan_send
    } else {
      results.Send(*result);  // blocks: chan_send
    }
  });
  absl::StatusOr<bool> answer = absl::DeadlineExceededError("the request timed out");
  Select(OnRecv(results, [&](std::optional<bool> result) { answer = *result; }),
         OnRecv(errors, [&](std::optional<absl::Status> error) { answer = *error; }),
         OnRecv(After(timeout)));
  return answer;
}

absl::StatusOr<bool> Work() {
  this_task::SleepFor(absl::Milliseconds(2));
  if (this_task::Choose(10) > 5) return absl::InternalError("the work failed");
  return true;
}

void Run() {
  Go([] { FinishRequest(absl::Milliseconds(1), &Work).IgnoreError(); });
}

}  // namespace leaky

namespace fixed {

template <class F>
absl::StatusOr<bool> FinishRequest(absl::Duration timeout, F fn) {
  Chan<bool> results(1);
  Chan<absl::Status> errors(1);
  Go([results, errors, fn] {
    const absl::StatusOr<bool> result = fn();
    if (!result.ok()) {
      errors.Send(result.status());
    } else {
      results.Send(*result);
    }
  });
  absl::StatusOr<bool> answer = absl::DeadlineExceededError("the request timed out");
  Select(OnRecv(results, [&](std::optional<bool> result) { answer = *result; }),
         OnRecv(errors, [&](std::optional<absl::Status> error) { answer = *error; }),
         OnRecv(After(timeout)));
  return answer;
}

absl::StatusOr<bool> Work() {
  this_task::SleepFor(absl::Milliseconds(2));
  if (this_task::Choose(10) > 5) return absl::InternalError("the work failed");
  return true;
}

void Run() {
  Go([] { FinishRequest(absl::Milliseconds(1), &Work).IgnoreError(); });
}

}  // namespace fixed

const Registered kRegistered("kubernetes5316", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
