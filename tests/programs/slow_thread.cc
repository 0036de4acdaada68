// A thread that is no task answers late or never; "leak": it is a task that waits for it when main
// is over; "unjoined": it is a std::thread, which ends the program when an exception passes.
#include <stranded/channel.h>
#include <stranded/leak_check.h>
#include <stranded/task.h>

#include <chrono>
#include <string_view>
#include <thread>

using stranded::Chan;

namespace {

void Answer(const Chan<int>& answers, const std::stop_token& stop, bool late) {
  for (int i = 0; !stop.stop_requested(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (late && i == 100) return answers.Send(42);
  }
}

void WithoutJoin() {
  const Chan<int> answers;
  std::thread thread([] { std::this_thread::sleep_for(std::chrono::hours(1)); });
  answers.Recv();
  thread.join();
}

void With(bool late) {
  const Chan<int> answers(1);
  const std::jthread thread([=](const std::stop_token& stop) { Answer(answers, stop, late); });
  answers.Recv();
}

void LeakBeside() {
  static std::jthread thread;
  const Chan<int> answers(1);
  thread = std::jthread([=](const std::stop_token& stop) { Answer(answers, stop, false); });
  stranded::Go([answers] { answers.Recv(); });
}

}  // namespace

int main(int, char** argv) {
  const std::string_view how = argv[1];
  return stranded::CheckedMain([&] {
    if (how == "unjoined") return WithoutJoin();
    if (how == "leak") return LeakBeside();
    With(how == "late");
  });
}
