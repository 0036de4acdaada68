// Two senders that nobody receives from any more, beside what never ends: as the argument says. And
// twins.
#include <time.h>

#include <cstdio>
#include <string>
#include <thread>
#include <tuple>

#include "stranded/leak_check.h"
#include "stranded/stranded.h"

namespace {

using stranded::Chan;
using stranded::Go;

int FirstOfThree() {
  Chan<int> answers;
  for (int i = 0; i < 3; ++i) Go({.name = "asks"}, [answers, i] { answers.Send(i); });
  return answers.Recv().value_or(0);
}

// Its answer comes when main has returned.
void LateAnswer() {
  Chan<int> asked, answers;
  Go({.name = "answers", .daemon = true}, [asked, answers] {
    for (const int value : asked) {
      if (value > 1) stranded::this_task::SleepFor(absl::Seconds(30));
      answers.Send(value);
    }
  });
  const auto ask = [asked, answers](int value) {
    asked.Send(value);
    std::ignore = answers.Recv();
  };
  ask(1);
  Go({.name = "asks"}, [ask] { ask(2); });
}

// They begin to wait when main has returned.
void TwoSendLate() {
  const Chan<int> answers;
  for (int i = 0; i < 2; ++i) {
    Go({.name = "asks"}, [answers, i] {
      stranded::this_task::SleepFor(absl::Milliseconds(100));
      answers.Send(i);
    });
  }
}

void RestForEver() {
  for (const timespec pause{10, 0};;) nanosleep(&pause, nullptr);
}

void Daemon(const std::string& how) {
  Go({.name = "daemon", .daemon = true}, [how] {
    stranded::Ticker ticker(absl::Milliseconds(10));
    for (;;) {
      if (how == "ticker") std::ignore = ticker.C().Recv();
      if (how == "sleeper") stranded::this_task::SleepFor(absl::Seconds(5));
      if (how == "kernel") {
        const stranded::BlockingRegion region;
        const timespec pause{10, 0};
        nanosleep(&pause, nullptr);
      }
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  if (how == "lost-cancel") {
    return stranded::CheckedMain([] {
      // Its cancel function is never called, and its only task ends before the dump.
      auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
      Go(ctx, [] { stranded::this_task::SleepFor(absl::Milliseconds(200)); });
    });
  }
  if (how == "late-answer") {
    LateAnswer();
    return 0;
  }
  if (how == "thread" || how == "thread-late") {
    std::thread(&RestForEver).detach();
  } else if (how != "nothing") {
    Daemon(how);
  }
  if (how == "thread-late") {
    TwoSendLate();
    return 0;
  }
  return FirstOfThree() < 0;
}
