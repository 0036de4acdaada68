#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

bool OffersSend(const Situation& s, const Task& task) {
  if (task.wait == WaitKind::kChanSend) return true;
  if (task.wait != WaitKind::kSelect) return false;
  bool sends = false;
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const CaseOp op = s.snap().cases[task.first_case + i].op;
    if (op == CaseOp::kRecv) return false;
    sends |= op == CaseOp::kSend;
  }
  return sends;
}

Match Check(const Situation& s, const Task& task) {
  if (!OffersSend(s, task)) return {};
  return Stuck(s, task, false);
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool) {
  return absl::StrCat(who, " blocked sending on ", ChannelText(s.ChannelOf(*group.tasks.front())),
                      ", and ", NobodyIsLeft(s, *group.tasks.front()), " to receive");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  if (task.wait == WaitKind::kSelect && task.case_count > 1) out.graph = DescribeCases(s, task);
  ProposeForSend(s, group, out);
}

}  // namespace

const Rule kAbandonedSend = {
    {"abandoned-send", "a task sends, and nobody is left to receive",
     "Every task that could receive has finished or is stuck itself. The sender's context has not "
     "ended: nobody even tried to stop it.\n"
     "\n"
     "Fix: room for the value in the channel if it is sent once; else a receiver that drains, or a "
     "context that is cancelled and listened to. Where a channel is used as a semaphore, what is "
     "put in must be taken out again on every way out."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
