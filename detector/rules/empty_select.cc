#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kSelectEmpty) return {};
  // A main that parks itself while others work is an idiom; it is a leak only when they cannot.
  if (task.is_main && !s.Deadlocked(task)) return {};
  return {Answer::kLeak, "proven", {}};
}

std::string Sentence(const Situation&, const Group&, const std::string& who, bool) {
  return absl::StrCat(who, " blocked for ever in a select without cases");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const SourceSite site = SiteText(s, group.tasks.front()->wait_site);
  out.fixes.push_back(SimpleFix(FixKind::kAddCase, site,
                                absl::StrCat("Give the select at ", site.ToString(),
                                             " a case that can happen, such as OnDone(ctx)."),
                                "Without cases nothing can end the wait."));
}

}  // namespace

const Rule kEmptySelect = {{"empty-select", "a task waits in a select without cases",
                            "Select() without cases, or a SelectSet that is empty, blocks for "
                            "ever. In main it is a way to "
                            "keep a server alive; anywhere else the task can never end.\n"
                            "\n"
                            "Fix: add a case, for example OnDone(ctx)."},
                           &Check,
                           &Sentence,
                           &Explain};

}  // namespace stranded::detector
