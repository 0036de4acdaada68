#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/evidence.h"
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
  out.graph = DescribeCases(s, *group.tasks.front());
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
