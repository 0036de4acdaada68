// The fixed twin of leaky.cc: the channel has room for both answers, so the slower mirror can leave
// its own and finish, whether or not anybody still receives.
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
  Chan<std::string> answers(2);
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
