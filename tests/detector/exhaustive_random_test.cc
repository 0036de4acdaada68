// The exhaustive search says that it is complete: whatever random schedules come to, it has come
// to.
//
// Small programs of a random shape: tasks that send, receive, poll, sleep, lock, select and cancel,
// and note what they saw. What all of them saw in a schedule is its end.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "stranded/stranded.h"
#include "tests/detector/explore_support.h"

namespace stranded {
namespace {

enum class Deed { kSend, kRecv, kTrySend, kTryRecv, kSleep, kCount, kSelect, kErr, kCancel, kLast };

struct Op {
  Deed deed;
  std::size_t channel;
  int number;
};
using Program = std::vector<std::vector<Op>>;

Program RandomProgram(unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&random](unsigned n) { return random() % n; };
  Program program(2 + below(2));
  const unsigned longest = program.size() == 2 ? 4 : 3;
  for (auto& task : program) {
    for (unsigned left = 1 + below(longest); left > 0; --left) {
      task.push_back({static_cast<Deed>(below(static_cast<unsigned>(Deed::kLast))), below(2),
                      static_cast<int>(1 + below(3))});
    }
  }
  return program;
}

// What the tasks share, and what each has seen.
struct Shared {
  Chan<int> channels[2] = {Chan<int>(), Chan<int>(1)};
  Mutex mutex;
  int count = 0;  // guarded by the mutex
  std::vector<std::string> seen;
};

void Do(const Op& op, const Context& ctx, const CancelFunc& cancel, Shared& shared,
        std::string& seen) {
  const Chan<int>& channel = shared.channels[op.channel];
  switch (op.deed) {
    case Deed::kSend: channel.Send(op.number); break;
    case Deed::kRecv: absl::StrAppend(&seen, "got ", channel.Recv().value_or(0)); break;
    case Deed::kTrySend: absl::StrAppend(&seen, "sent ", channel.TrySend(op.number)); break;
    case Deed::kTryRecv: absl::StrAppend(&seen, "saw ", channel.TryRecv().value.value_or(0)); break;
    case Deed::kSleep: this_task::SleepFor(absl::Milliseconds(op.number)); break;
    case Deed::kCount: {
      const MutexLock lock(shared.mutex);
      absl::StrAppend(&seen, "count ", ++shared.count);
      break;
    }
    case Deed::kSelect:
      absl::StrAppend(&seen, "case ",
                      Select(OnRecv(channel, [] {}), OnDone(ctx, [] {}),
                             OnRecv(After(absl::Milliseconds(op.number)), [] {})));
      break;
    case Deed::kErr: absl::StrAppend(&seen, "ended ", !ctx.Err().ok()); break;
    case Deed::kCancel: cancel(); break;
    case Deed::kLast: break;
  }
  seen += ", ";
}

std::string Text(const Program& program) {
  return absl::StrJoin(program, " | ", [](std::string* out, const std::vector<Op>& task) {
    absl::StrAppend(out, absl::StrJoin(task, " ", [](std::string* text, const Op& op) {
                      absl::StrAppend(text, static_cast<int>(op.deed), "/", op.channel, "/",
                                      op.number);
                    }));
  });
}

// All ends that an exploration comes to.
std::set<std::string> Ends(const Program& program, ExploreOptions options, std::string* coverage) {
  std::set<std::string> ends;
  std::unique_ptr<Shared> shared;
  const auto note = [&] {
    if (shared != nullptr) ends.insert(absl::StrJoin(shared->seen, "| "));
  };
  options.minimize = false;
  const ExploreResult result = Explore(options, [&] {
    note();  // how the schedule before this one ended
    shared = std::make_unique<Shared>();
    shared->seen.resize(program.size());
    auto [ctx, cancel] = WithTimeout(Background(), absl::Milliseconds(2));
    for (std::size_t i = 0; i < program.size(); ++i) {
      Go(ctx, [&program, &shared, i, ctx = ctx, cancel = cancel] {
        for (const Op& op : program[i]) Do(op, ctx, cancel, *shared, shared->seen[i]);
      });
    }
    this_task::SleepFor(absl::Milliseconds(20));
    cancel();
  });
  note();
  if (coverage != nullptr) *coverage = result.coverage;
  return ends;
}

TEST(ExhaustiveSearch, ComesToWhateverRandomSchedulesComeTo) {
  constexpr unsigned kPrograms = 40;
  constexpr int kMost = 6000, kRandom = 300, kNoBound = 1000;
  int complete = 0;
  for (unsigned seed = 1; seed <= kPrograms; ++seed) {
    const Program program = RandomProgram(seed);
    ExploreOptions all = WithPolicy("exhaustive", kMost);
    all.preemptions = kNoBound;
    std::string coverage;
    const std::set<std::string> ends = Ends(program, all, &coverage);
    if (!coverage.starts_with("complete")) continue;
    ++complete;
    for (const char* policy : {"random", "pct"}) {
      for (const std::string& end : Ends(program, WithPolicy(policy, kRandom), nullptr)) {
        EXPECT_TRUE(ends.contains(end)) << "seed " << seed << ": " << Text(program) << "\n"
                                        << policy << " came to " << end << "\n"
                                        << ends.size() << " ends, " << coverage;
      }
    }
  }
  EXPECT_GT(complete, 25);
}

}  // namespace
}  // namespace stranded
