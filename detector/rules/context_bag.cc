// A context chain that is used as a bag of parameters.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"
#include "detector/rules/world_rules.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kManyValues = 8;
constexpr std::uint64_t kLargeValue = 1024;  // bytes
constexpr std::size_t kDeepest = 4096;

FindingData Describe(const Situation& s, const Context& context, const std::string& title) {
  FindingData data;
  data.rule = kContextBagText.id;
  data.verdict = "predicted";
  data.wait = "context";
  data.context_site = SiteText(s, context.site);
  data.wait_site = data.context_site;
  data.title = title;
  data.fixes.push_back(
      SimpleFix(FixKind::kStopTask, data.context_site,
                "Pass these as parameters; keep in contexts what belongs to the request and "
                "crosses many layers, such as a trace id.",
                "Parameters are checked by the compiler; a look-up walks up the whole chain."));
  return data;
}

}  // namespace

void FindContextBags(const Situation& s, std::vector<FindingData>& out) {
  std::set<SiteId> told;
  std::set<Id> inner;  // contexts that others stand below: their chains are longer
  for (const Context& c : s.snap().contexts.all()) inner.insert(c.parent);
  for (const Context& c : s.snap().contexts.all()) {
    if (c.kind != ContextKind::kValue) continue;
    const std::uint64_t bytes = std::max<std::uint64_t>(c.value_bytes, c.value_text.size());
    if (bytes >= kLargeValue && told.insert(c.site).second) {
      out.push_back(Describe(s, c,
                             absl::StrCat("a value of ", bytes, " bytes (", TypeText(c.key_type),
                                          ") is carried in a context")));
    }
    std::size_t values = 0, steps = 0;
    FindingData data;
    for (const Context* at = &c; at != nullptr && steps < kDeepest; ++steps) {
      if (at->kind == ContextKind::kValue) {
        ++values;
        if (data.graph.size() < 20) {
          data.graph.push_back(
              absl::StrCat(TypeText(at->key_type), " set at ", Place(s, at->site)));
        }
      }
      at = s.snap().contexts.Find(at->parent);
    }
    if (values < kManyValues || inner.contains(c.id) || !told.insert(c.site).second) continue;
    FindingData found =
        Describe(s, c, absl::StrCat("a chain of contexts carries ", values, " values"));
    found.graph = std::move(data.graph);
    out.push_back(std::move(found));
  }
}

const RuleText kContextBagText = {
    "context-bag", "a context chain used as a bag of parameters",
    "Contexts carry cancellation, deadlines and a few values that belong to a request, such as its "
    "trace id. Here a chain carries many values, or a large one. Advice, not a leak: reported only "
    "with --rule context-bag.\n"
    "\n"
    "Fix: pass what a function needs as parameters."};

}  // namespace stranded::detector
