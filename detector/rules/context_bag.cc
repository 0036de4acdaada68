// A context chain that is used as a bag of parameters.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"
#include "detector/rules/world_rules.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kManyValues = 8;
constexpr std::uint64_t kLargeValue = 1024;  // bytes
constexpr std::size_t kDeepest = 4096;       // that are looked through for lines
constexpr std::size_t kMostLines = 20;

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

// How many values stand at and above each context, by position. Each link is walked once.
std::vector<std::size_t> CountValues(const Table<Context>& contexts) {
  std::vector<std::size_t> counts(contexts.size(), 0);
  std::vector<std::uint8_t> known(contexts.size(), 0);
  std::vector<std::uint32_t> path;
  for (std::uint32_t start = 0; start < contexts.size(); ++start) {
    path.clear();
    std::uint32_t at = start;
    for (; at != IdIndex::kNone && known[at] == 0;
         at = contexts.PositionOfId(contexts.all()[at].parent)) {
      known[at] = 1;  // also on a circle of a damaged dump: then what was counted so far holds
      path.push_back(at);
    }
    std::size_t count = at == IdIndex::kNone ? 0 : counts[at];
    for (; !path.empty(); path.pop_back()) {
      count += contexts.all()[path.back()].kind == ContextKind::kValue;
      counts[path.back()] = count;
    }
  }
  return counts;
}

std::vector<std::string> ListValues(const Situation& s, const Context& lowest) {
  std::vector<std::string> lines;
  const Context* at = &lowest;
  for (std::size_t steps = 0; at != nullptr && steps < kDeepest; ++steps) {
    if (lines.size() == kMostLines) break;
    if (at->kind == ContextKind::kValue) {
      lines.push_back(absl::StrCat(TypeText(at->key_type), " set at ", Place(s, at->site)));
    }
    at = s.snap().contexts.Find(at->parent);
  }
  return lines;
}

}  // namespace

namespace {

// What is told of a place: of several contexts made there always the same one, wherever it stands
// in the dump.
struct Told {
  const Context* large = nullptr;    // with the largest value
  const Context* longest = nullptr;  // at the end of the longest chain
  std::uint64_t bytes = 0;
  std::size_t values = 0;
};

}  // namespace

void FindContextBags(const Situation& s, std::vector<FindingData>& out) {
  std::map<SiteId, Told> places;
  absl::flat_hash_set<Id> inner;  // contexts that others stand below: their chains are longer
  for (const Context& c : s.snap().contexts.all()) inner.insert(c.parent);
  const std::vector<std::size_t> counts = CountValues(s.snap().contexts);
  for (const Context& c : s.snap().contexts.all()) {
    if (c.kind != ContextKind::kValue) continue;
    const std::uint64_t bytes = std::max<std::uint64_t>(c.value_bytes, c.value_text.size());
    if (bytes >= kLargeValue) {
      Told& told = places[c.site];
      if (bytes > told.bytes) told.large = &c;
      told.bytes = std::max(told.bytes, bytes);
    }
    const std::size_t values = counts[s.snap().contexts.PositionOf(c)];
    if (values < kManyValues || inner.contains(c.id)) continue;
    Told& told = places[c.site];
    if (values > told.values) told.longest = &c;
    told.values = std::max(told.values, values);
  }
  for (const auto& [site, told] : places) {
    if (told.large != nullptr) {
      out.push_back(
          Describe(s, *told.large,
                   absl::StrCat("a value of ", told.bytes, " bytes (",
                                TypeText(told.large->key_type), ") is carried in a context")));
    } else {
      FindingData found = Describe(
          s, *told.longest, absl::StrCat("a chain of contexts carries ", told.values, " values"));
      found.graph = ListValues(s, *told.longest);
      out.push_back(std::move(found));
    }
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
