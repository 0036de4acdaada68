#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

bool AllCasesNil(const Situation& s, const Task& task) {
  if (task.case_count == 0) return false;
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const WaitCase& c = s.snap().cases[task.first_case + i];
    if (c.channel != 0) return false;
    // Done() of a context that can end is no nil channel, even if it is not listed.
    if (c.op == CaseOp::kDone && c.context != 0 && s.CanEnd(c.context)) return false;
  }
  return true;
}

Match Check(const Situation& s, const Task& task) {
  const bool plain = task.wait == WaitKind::kChanSendNil || task.wait == WaitKind::kChanRecvNil;
  const bool select = task.wait == WaitKind::kSelect && AllCasesNil(s, task);
  return plain || select ? Match{Answer::kLeak, "proven", {}} : Match{};
}

std::string Sentence(const Situation&, const Group& group, const std::string& who, bool) {
  const WaitKind wait = group.tasks.front()->wait;
  return absl::StrCat(
      who, " blocked for ever ",
      wait == WaitKind::kSelect ? "in a select whose channels are all nil" : WaitText(wait));
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const SourceSite site = SiteText(s, group.tasks.front()->wait_site);
  out.notes.push_back("A nil channel is never ready: nobody can end this wait.");
  out.fixes.push_back(
      SimpleFix(FixKind::kMakeChannel, site,
                absl::StrCat("Make the channel before it is used at ", site.ToString(),
                             ", or leave the operation out while it is nil."),
                "Chan<T>::Nil() and default-made Sender and Receiver views are nil."));
}

}  // namespace

const Rule kNilChannel = {
    {"nil-channel", "a task sends on or receives from a nil channel",
     "A nil channel (Chan<T>::Nil(), or a Sender or Receiver that was never assigned) is never "
     "ready, as in Go: operations on it block for ever, and a case on it is never taken. A nil "
     "case in "
     "a Select beside others is a useful idiom; a wait on nil channels alone can never end.\n"
     "\n"
     "Fix: make the channel before the first use."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
