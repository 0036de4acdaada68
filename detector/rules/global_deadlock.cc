#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"
#include "detector/rules/world_rules.h"

namespace stranded::detector {
namespace {
constexpr std::size_t kMostWaitLines = 100;

std::string WaitLine(const Situation& s, const Task& task) {
  std::string line = absl::StrCat(TaskText(task), " is blocked ", WaitText(s.snap(), task), " at ",
                                  Place(s, task.wait_site));
  if (const Channel* channel = s.ChannelOf(task)) {
    absl::StrAppend(&line, " (made at ", Place(s, channel->site), ")");
  } else if (const Sync* sync = s.snap().syncs.Find(task.sync)) {
    absl::StrAppend(&line, " (", SyncText(*sync), " made at ", Place(s, sync->site), ")");
  } else if (WaitsForEnd(s.snap(), task)) {
    absl::StrAppend(&line, " (", ContextAwaited(s, task), ")");
  }
  return line;
}

// Where no other finding names the cause, main's own wait is the place to begin.
void Propose(const Situation& s, const Task& main, bool cause_known, FindingData& data) {
  const Group only_main{
      .tasks = {&main}, .count = 1, .exemplar = &main, .along = {}, .verdict = "proven"};
  const Channel* channel = s.ChannelOf(main);
  if (!cause_known && channel != nullptr) {
    data.has_channel = true;
    data.channel = DescribeChannel(s, *channel);
    data.peer = DescribePeer(s, main, *channel);
    if (main.wait == WaitKind::kChanSend) ProposeForSend(s, only_main, data);
    if (main.wait == WaitKind::kChanRecv) {
      channel->role == ChannelRole::kUser ? ProposeClose(s, only_main, data)
                                          : ProposeForReceive(s, only_main, data);
    }
    if (main.wait == WaitKind::kSelect) ProposeContextCase(s, only_main, data);
  }
  if (data.fixes.empty()) {
    data.fixes.push_back(SimpleFix(
        FixKind::kStopTask, data.wait_site,
        "Find the wait above that should have been ended first, and what should have ended it.",
        "Everything else waits for that."));
  }
  ListCandidates(s, only_main, data);
}

// By id.
std::vector<const Task*> BlockedIn(const Situation& s, const World& world) {
  std::vector<const Task*> tasks;
  for (const Task& task : s.snap().tasks.all()) {
    if (task.world == world.id && s.Blocked(task)) tasks.push_back(&task);
  }
  std::sort(tasks.begin(), tasks.end(), [](const Task* a, const Task* b) { return a->id < b->id; });
  return tasks;
}

}  // namespace

void FindGlobalDeadlocks(const Situation& s, std::vector<FindingData>& out) {
  const bool cause_known = !out.empty();
  for (const World& world : s.snap().worlds.all()) {
    const Task* main = s.snap().tasks.Find(world.main_task);
    // One that checks for leaks has been told of its dead end, and went on.
    const bool main_blocked =
        main != nullptr && s.Blocked(*main) && main->wait != WaitKind::kLeakCheck;
    if (!world.deadlock || !main_blocked) continue;
    FindingData data;
    data.rule = kGlobalDeadlockText.id;
    data.verdict = "proven";
    data.wait = "deadlock";
    data.wait_site = SiteText(s, main->wait_site);
    data.task_name = std::string(main->name);
    std::size_t others = 0;
    for (const Task* task : BlockedIn(s, world)) {
      if (!s.InFocus(*task)) {
        ++others;
        continue;
      }
      ++data.task_count;
      if (data.tasks.size() < s.options().most_tasks_listed) data.tasks.push_back(task->id);
      if (data.graph.size() < kMostWaitLines) data.graph.push_back(WaitLine(s, *task));
    }
    data.title = data.task_count == 1 ? "nothing can run any more: the only task is blocked"
                                      : absl::StrCat("nothing can run any more: all ",
                                                     data.task_count, " tasks are blocked");
    if (world.external > 0) {
      data.verdict = "predicted";
      data.notes.push_back(ThreadsText(world.external));
    }
    // A replay has no seed, and what pct does depends on the schedules before, too.
    if (world.controlled && world.policy == "random") {
      data.notes.push_back(
          absl::StrCat("Seed ", world.seed, ", after ", world.steps,
                       " scheduling decisions; the same seed gives the same run."));
    }
    if (others > 0) {
      data.notes.push_back(absl::StrCat("Of what ran before, ", others,
                                        others == 1 ? " task is" : " tasks are",
                                        " blocked, too; not listed here."));
    }
    Propose(s, *main, cause_known, data);
    out.push_back(std::move(data));
  }
}

const RuleText kGlobalDeadlockText = {"global-deadlock",
                                      "every task of a world is blocked and no timer is due",
                                      "Nothing can ever run again. Go ends such a program with "
                                      "\"all goroutines are asleep\"; here main "
                                      "gets GlobalDeadlockError, and the report lists every wait. "
                                      "The finding that names the cause (a nil "
                                      "channel, a lock cycle, ...) stands beside this one.\n"
                                      "\n"
                                      "Fix: break the first link of the chain of waits."};

}  // namespace stranded::detector
