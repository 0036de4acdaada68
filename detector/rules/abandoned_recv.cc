#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kChanRecv && task.wait != WaitKind::kSelect) return {};
  return Stuck(s, task, false);
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool) {
  const Task& task = *group.tasks.front();
  if (WaitsForEnd(s.snap(), task)) {
    return absl::StrCat(who, " blocked waiting for the end of ", ContextAwaited(s, task), ", and ",
                        NobodyIsLeft(s, task), " to cancel it");
  }
  if (task.wait == WaitKind::kSelect) {
    return absl::StrCat(who, " blocked in a select none of whose cases can ever happen");
  }
  const Channel* channel = s.ChannelOf(task);
  const bool tick = channel != nullptr && channel->role == ChannelRole::kTimerTick;
  return absl::StrCat(who, " blocked receiving from ", ChannelText(channel),
                      tick ? std::string(" that will not tick any more")
                           : absl::StrCat(", and ", NobodyIsLeft(s, task), " to send or close"));
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  if (WaitsForEnd(s.snap(), task)) {
    ProposeContextCase(s, group, out);
    return;
  }
  if (task.wait != WaitKind::kSelect) {
    out.notes.push_back("Buffering cannot help here: the blocked operation is a receive.");
  }
  // In a select the context comes first: which of its channels should be closed is not known.
  if (task.wait == WaitKind::kSelect) {
    if (task.case_count > 1) out.graph = DescribeCases(s, task);
    ProposeClosingStop(s, group, out);
    ProposeContextCase(s, group, out);
  } else {
    ProposeForReceive(s, group, out);
  }
}

}  // namespace

const Rule kAbandonedRecv = {
    {"abandoned-recv", "a task receives, and nobody is left to send or close",
     "Every task that could send or close has finished or is stuck itself.\n"
     "\n"
     "Fix: the sender closes the channel on every way out, or the receiver listens to a context "
     "that is cancelled. A buffer cannot help a receiver. A timer's channel is never closed, not "
     "by Stop() either. What is taken out of a pool is given back on every way out."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
