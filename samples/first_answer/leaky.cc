// First answer wins, with a timeout: the classic leak.
//
// Four mirrors are asked at once and the first answer is taken. When none answers within 50 ms the
// caller gives up and returns. Nobody receives any more, so every fetch blocks for ever on the
// unbuffered channel when it wants to leave its result.
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/leak_check.h>
#include <stranded/select.h>
#include <stranded/task.h>

#include <string>

using namespace stranded;  // NOLINT

namespace {

struct TraceId {  // a private key type: only this file can set or read the value
  using Value = std::string;
  static constexpr bool kPrintable = true;
};

constexpr int kMirrors = 4;

std::string Fetch(int mirror) {
  this_task::SleepFor(absl::Milliseconds(60 + 5 * mirror));
  return "answer of mirror " + std::to_string(mirror);
}

std::string AskAll(const Context& parent) {
  auto [ctx, cancel] = WithTimeout(parent, absl::Milliseconds(50));
  Chan<std::string> answers;
  for (int mirror = 0; mirror < kMirrors; ++mirror) {
    Go({.name = "fetch"}, ctx, [answers, mirror] {
      const std::string answer = Fetch(mirror);
      answers.Send(answer);
    });
  }
  std::string first;
  Select(OnRecv(answers, [&](std::optional<std::string> answer) { first = *answer; }),
         OnDone(ctx, [&] { first = "no answer in time"; }));
  cancel();
  return first;
}

}  // namespace

int main() {
  return CheckedMain([] { AskAll(WithValue<TraceId>(Background(), "req-42")); });
}
