// A leak that one run in thousands shows: a check of the context that comes a moment too early.
//
// Two mirrors are asked, the first answer wins and the context is cancelled. The slower mirror
// looks at the context before it sends: nearly always it has ended by then, and the mirror leaves.
// On a machine that is busy for a moment the caller gets to cancel late; then the mirror has looked
// before, and blocks for ever on a channel that nobody receives from any more.
//   stranded explore --first -- sample_flaky_leak_leaky     finds it
//   stranded fix --apply -- sample_flaky_leak_leaky         fixes it
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/leak_check.h>
#include <stranded/task.h>

#include <string>

using namespace stranded;  // NOLINT

namespace {

std::string Ask(int mirror) {
  this_task::SleepFor(absl::Milliseconds(mirror == 0 ? 2 : 4));  // its distance
  return "answer of mirror " + std::to_string(mirror);
}

std::string FirstAnswer(const Context& parent) {
  auto [ctx, cancel] = WithCancel(parent);
  Chan<std::string> answers;
  for (int mirror = 0; mirror < 2; ++mirror) {
    Go({.name = "mirror"}, ctx, [ctx = ctx, answers, mirror] {
      const std::string answer = Ask(mirror);
      if (!ctx.Err().ok()) return;  // somebody else was faster
      answers.Send(answer);
    });
  }
  const std::string first = *answers.Recv();
  cancel();
  return first;
}

}  // namespace

int main() {
  return CheckedMain([] { FirstAnswer(Background()); });
}
