// A leak that one run in thousands shows: a check of the context that comes a moment too early.
//
// Two mirrors are asked, the first answer wins, and whoever gave it cancels the context. The slower
// mirror looks at the context before it sends: nearly always it has ended by then, and the mirror
// leaves. On a machine that is busy for a moment both wake up together; then the slower one may
// look just before the other one cancels, and it blocks for ever on a channel that nobody receives
// from any more.
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
  this_task::SleepFor(absl::Milliseconds(mirror == 0 ? 1 : 5));  // its distance
  return "answer of mirror " + std::to_string(mirror);
}

std::string FirstAnswer(const Context& parent) {
  auto [ctx, cancel] = WithCancel(parent);
  Chan<std::string> answers;
  for (int mirror = 0; mirror < 2; ++mirror) {
    Go({.name = "mirror"}, ctx, [ctx = ctx, cancel = cancel, answers, mirror] {
      const std::string answer = Ask(mirror);
      if (!ctx.Err().ok()) return;  // somebody else was faster
      answers.Send(answer);
      cancel();  // the others need not go on
    });
  }
  return *answers.Recv();
}

}  // namespace

int main() {
  return CheckedMain([] { FirstAnswer(Background()); });
}
