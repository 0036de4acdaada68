#include "stranded/verify.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detector/explore/explore_text.h"

namespace stranded {
namespace {

constexpr int kMostRounds = 4;

// Two lines of one function are two findings here.
std::string KeyOf(const Finding& finding) {
  return absl::StrCat(std::string(finding.fingerprint()), "@", finding.wait_site().ToString());
}

std::set<std::string> FindingsOf(const ExploreResult& result) {
  std::set<std::string> found;
  for (const ExploreOutcome& o : result.outcomes) {
    for (const Finding& f : o.report.findings()) found.insert(KeyOf(f));
    for (const std::string& e : o.exceptions) found.insert(e);
    if (!o.failure.empty()) found.insert(o.failure);
  }
  return found;
}

// The findings that can be tried, those that name a cause before those that only name an effect.
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

class Search {
 public:
  Search(const ExploreResult& before, const ExploreAgain& explore) : explore_(explore) {
    search_.before = before;
    now_ = before;
  }

  FixSearch Run() {
    search_.was_clean = now_.clean();
    for (int round = 0; round < kMostRounds && !now_.clean(); ++round) {
      if (!Round()) break;
    }
    search_.verified = !search_.was_clean && now_.clean();
    return std::move(search_);
  }

 private:
  bool Round();
  FixStatus Try(const Finding& finding, const Fix& fix, ExploreResult* result);
  void Keep(const Fix& fix, ExploreResult result);

  const ExploreAgain& explore_;
  FixSearch search_;
  ExploreResult now_;    // with what is kept so far
  std::string patches_;  // what is kept so far
  std::set<std::string> tried_;
};

// A fix that leaves nothing is taken at once; else the first one that makes things better.
bool Search::Round() {
  std::vector<std::pair<Fix, ExploreResult>> partly;
  const ExploreOutcome bad = *now_.bad();
  for (const Finding* finding : InOrder(bad)) {
    for (const Fix& fix : finding->data().candidates) {
      if (!tried_.insert(absl::StrCat(patches_, "+", fix.patch)).second) continue;
      ExploreResult result;
      const FixStatus status = Try(*finding, fix, &result);
      if (status == FixStatus::kVerified) {
        Keep(fix, std::move(result));
        return true;
      }
      if (status == FixStatus::kPart) partly.emplace_back(fix, std::move(result));
    }
  }
  if (partly.empty()) return false;
  Keep(partly.front().first, std::move(partly.front().second));
  return true;
}

void Search::Keep(const Fix& fix, ExploreResult result) {
  patches_ += (patches_.empty() ? "" : ",") + fix.patch;
  search_.chosen.push_back(fix);
  now_ = std::move(result);
}

FixStatus Search::Try(const Finding& finding, const Fix& fix, ExploreResult* result) {
  FixTrial trial;
  trial.fix = fix;
  trial.rule = std::string(finding.rule());
  trial.title = std::string(finding.title());
  const std::string patches = patches_.empty() ? fix.patch : absl::StrCat(patches_, ",", fix.patch);
  *result = explore_(patches, now_.schedule);
  search_.schedules += result->schedules;
  if (result->clean()) {
    trial.status = FixStatus::kVerified;
    trial.evidence = absl::StrCat("the failing schedule and ", result->schedules - 1,
                                  " others leave nothing behind");
  } else {
    const std::set<std::string> left = FindingsOf(*result), had = FindingsOf(now_);
    const bool nothing_new = std::includes(had.begin(), had.end(), left.begin(), left.end());
    const bool gone = !left.contains(KeyOf(finding));
    trial.status = nothing_new && gone ? FixStatus::kPart : FixStatus::kRefuted;
    trial.evidence = absl::StrCat(
        trial.status == FixStatus::kPart ? "its finding is gone; still: " : "refuted by schedule ",
        trial.status == FixStatus::kPart
            ? ""
            : absl::StrCat(detector::ShortSchedule(result->schedule), ": "),
        detector::OutcomeText(*result->bad()));
  }
  const FixStatus status = trial.status;
  search_.trials.push_back(std::move(trial));
  return status;
}

}  // namespace

std::string_view FixStatusName(FixStatus status) {
  switch (status) {
    case FixStatus::kVerified: return "verified";
    case FixStatus::kPart: return "part of a fix";
    case FixStatus::kRefuted: return "refuted";
    case FixStatus::kNotTestable: return "not testable";
  }
  return "";
}

FixSearch SearchFixes(const ExploreResult& before, const ExploreAgain& explore) {
  return Search(before, explore).Run();
}

FixSearch FixBody(const ExploreOptions& options, int verify, const std::function<void()>& body) {
  const ExploreResult before = Explore(options, body);
  return SearchFixes(before, [&](const std::string& patches, const std::string& replay) {
    ExploreOptions again = options;
    again.policy = "pct";
    again.schedule.clear();
    again.patch = patches;
    again.first_schedule = replay;
    again.schedules = verify + 1;
    again.seed = options.seed + 1000000;  // other schedules than those of the search
    again.stop_at_first = false;
    return Explore(again, body);
  });
}

std::string FixSearch::ToText() const {
  std::string out;
  for (const FixTrial& t : trials) {
    absl::StrAppend(&out, "  ", std::string(FixStatusName(t.status)), ": ", t.fix.summary,
                    "\n      ", t.evidence, "\n");
  }
  return out;
}

}  // namespace stranded
