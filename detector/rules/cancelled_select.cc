#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kSelect) return {};
  return Cancelled(s, task);
}

std::string Sentence(const Situation&, const Group&, const std::string& who, bool many) {
  return absl::StrCat(who, " blocked in a select that does not listen to ",
                      many ? "their context, which has" : "its context, which has", " ended");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  for (std::uint32_t i = 0; i < task.case_count && i < 16; ++i) {
    const WaitCase& c = s.snap().cases[task.first_case + i];
    const Channel* channel = s.snap().channels.Find(c.channel);
    const char* op = c.op == CaseOp::kSend   ? "send on "
                     : c.op == CaseOp::kDone ? "done case of a context that has not ended, "
                                             : "receive from ";
    out.graph.push_back(absl::StrCat("case ", i, ": ", op,
                                     c.op == CaseOp::kDone ? ""
                                     : c.channel == 0      ? "a nil channel, "
                                                           : ChannelText(channel),
                                     channel == nullptr || c.op == CaseOp::kDone
                                         ? ""
                                         : absl::StrCat(" made at ", Place(s, channel->site), ", "),
                                     "at ", Place(s, c.site)));
  }
  ProposeContextCase(s, group, out);
}

}  // namespace

const Rule kCancelledSelect = {
    {"cancelled-select", "a task waits in a select that does not listen to its ended context",
     "The select has no OnDone case for the task's own context (or one for another context), so "
     "the end "
     "of the context does not reach it.\n"
     "\n"
     "Fix: add OnDone(ctx)."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
