#include "detector/explore/progress.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detector/explore/explore_text.h"
#include "detector/rules/fingerprint.h"

namespace stranded::detector {

std::string KeyOf(const Finding& finding) {
  return absl::StrCat(detector::CauseKey(finding.data()), "@", finding.wait_site().ToString());
}

std::set<std::string> FindingsOf(const ExploreResult& result) {
  std::set<std::string> found;
  for (const ExploreOutcome& o : result.outcomes) found.merge(detector::WhatFailed(o));
  return found;
}

const ExploreOutcome* Endless(const ExploreResult& result) {
  const auto cut = std::find_if(result.outcomes.begin(), result.outcomes.end(),
                                [](const ExploreOutcome& o) { return o.cut; });
  return cut == result.outcomes.end() ? nullptr : &*cut;
}

namespace {

std::size_t MostStranded(const ExploreResult& result) {
  std::size_t most = 0;
  for (const ExploreOutcome& o : result.outcomes) {
    most = std::max(most, o.report.analysis().summary.stranded);
  }
  return most;
}

}  // namespace

bool GoesFurther(const Finding& finding, const ExploreResult& before, const ExploreResult& after) {
  if (!finding.spawn_site().known() || MostStranded(after) > MostStranded(before)) return false;
  const std::set<std::string> had = FindingsOf(before);
  for (const ExploreOutcome& o : after.outcomes) {
    if (!o.failure.empty() || !o.exceptions.empty() || o.cut) return false;
    for (const Finding& f : o.report.findings()) {
      const bool same_tasks = f.spawn_site().ToString() == finding.spawn_site().ToString();
      const bool elsewhere = f.wait_site().ToString() != finding.wait_site().ToString();
      if (!had.contains(KeyOf(f)) && !(same_tasks && elsewhere)) return false;
    }
  }
  return true;
}

std::vector<const Finding*> InOrder(const ExploreOutcome& bad) {
  std::vector<const Finding*> findings;
  for (const Finding& f : bad.report.findings()) findings.push_back(&f);
  const auto effect = [](const Finding* f) {
    return f->rule() == "global-deadlock"   ? 3
           : f->rule() == "waitgroup-stuck" ? 2
           : f->rule() == "outlived-scope"  ? 2
           : f->rule() == "orphaned-lock"   ? 1
                                            : 0;
  };
  std::stable_sort(findings.begin(), findings.end(),
                   [&](const Finding* a, const Finding* b) { return effect(a) < effect(b); });
  return findings;
}

bool HasPatch(const std::string& patches, const std::string& patch) {
  return absl::StrContains(absl::StrCat(",", patches, ","), absl::StrCat(",", patch, ","));
}

bool EndsWaitsOnly(const Fix& fix) {
  return fix.patch.starts_with("release") || fix.patch.starts_with("giveup");
}

Fix LargestNeed(const Fix& fix, const ExploreResult& result) {
  Fix largest = fix;
  for (const ExploreOutcome& o : result.outcomes) {
    for (const Finding& f : o.report.findings()) {
      for (const Fix& other : f.data().candidates) {
        const bool same = other.kind == FixKind::kRaiseCapacity &&
                          other.site.line == fix.site.line && other.site.file == fix.site.file;
        if (same && other.capacity > largest.capacity) largest = other;
      }
    }
  }
  for (const std::string& w : fix.warnings) {
    const bool known =
        std::find(largest.warnings.begin(), largest.warnings.end(), w) != largest.warnings.end();
    if (!known) largest.warnings.push_back(w);
  }
  return largest;
}

}  // namespace stranded::detector
