// Moby 33293: an error is sent on a fresh unbuffered channel before the channel is returned.
#include "absl/status/status.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

absl::Status MayReturnError() {
  if (this_task::Choose(2) == 1) return absl::InternalError("no such container");
  return absl::OkStatus();
}

namespace leaky {

Receiver<absl::Status> ContainerWait() {
  Chan<absl::Status> errors;  // fix: raise_buffer 1
  if (absl::Status status = MayReturnError(); !status.ok()) {
    errors.Send(status);  // blocks: chan_send
    return errors;
  }
  return errors;
}

void Run() {
  Go([] {
    const Receiver<absl::Status> errors = ContainerWait();
    if (errors.IsNil()) return;
  });
}

}  // namespace leaky

namespace fixed {

Receiver<absl::Status> ContainerWait() {
  Chan<absl::Status> errors(1);
  if (absl::Status status = MayReturnError(); !status.ok()) {
    errors.Send(status);
    return errors;
  }
  return errors;
}

void Run() {
  Go([] {
    const Receiver<absl::Status> errors = ContainerWait();
    if (errors.IsNil()) return;
  });
}

}  // namespace fixed

const Registered kRegistered("moby33293", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
