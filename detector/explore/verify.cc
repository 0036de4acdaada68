#include "stranded/verify.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detector/explore/explore_text.h"
#include "detector/rules/fingerprint.h"

namespace stranded {
namespace {

constexpr int kMostRounds = 4;

std::string KeyOf(const Finding& finding) {
  return absl::StrCat(detector::CauseKey(finding.data()), "@", finding.wait_site().ToString());
}

std::set<std::string> FindingsOf(const ExploreResult& result) {
  std::set<std::string> found;
  for (const ExploreOutcome& o : result.outcomes) found.merge(detector::WhatFailed(o));
  return found;
}

// A schedule that did not come to its end; null if all did.
const ExploreOutcome* Endless(const ExploreResult& result) {
  const auto cut = std::find_if(result.outcomes.begin(), result.outcomes.end(),
                                [](const ExploreOutcome& o) { return o.cut; });
  return cut == result.outcomes.end() ? nullptr : &*cut;
}

std::size_t MostStranded(const ExploreResult& result) {
  std::size_t most = 0;
  for (const ExploreOutcome& o : result.outcomes) {
    most = std::max(most, o.report.analysis().summary.stranded);
  }
  return most;
}

// The tasks of `finding` go on, to wait elsewhere: what ended that wait is right, and they have
// another fault. Nobody else is worse off.
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

// Whether it is among those, which commas separate. It may be several itself.
bool HasPatch(const std::string& patches, const std::string& patch) {
  return absl::StrContains(absl::StrCat(",", patches, ","), absl::StrCat(",", patch, ","));
}

// The same fix with the most room that any end of `result` asks for.
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

class Search {
 public:
  Search(const ExploreResult& before, const ExploreAgain& explore) : explore_(explore) {
    search_.before = before;
    now_ = before;
  }

  FixSearch Run() {
    search_.was_clean = now_.clean();
    Rounds();
    // The first fix that made things better may lead nowhere: then only those that end everything,
    // if there are any, come first.
    if (!now_.clean() && kept_part_) {
      greedy_ = false;
      now_ = search_.before;
      patches_.clear();
      search_.chosen.clear();
      tried_.clear();
      Rounds();
    }
    search_.verified = !search_.was_clean && now_.clean();
    if (search_.verified) DropUnneeded();
    WarnOfSecondCloses();
    DropRepeated();
    NoteEvidence();
    if (!search_.was_clean) NoteUntestable();
    return std::move(search_);
  }

 private:
  // The second rounds begin with what the first ones tried alone.
  void DropRepeated() {
    std::set<std::string> told;
    std::erase_if(search_.trials, [&](const FixTrial& t) {
      return !told.insert(absl::StrCat(t.fix.patch, " ", t.evidence)).second;
    });
  }
  // A part that was kept early may be what a later one brings about by itself: then it is one edit
  // too many, and as a second Close() it would throw.
  void DropUnneeded() {
    for (std::size_t i = 0; search_.chosen.size() > 1 && i < search_.chosen.size();) {
      std::string others;
      for (const Fix& fix : search_.chosen) {
        if (&fix == &search_.chosen[i]) continue;
        absl::StrAppend(&others, others.empty() ? "" : ",", fix.patch);
      }
      ExploreResult result = explore_(others, search_.before.schedule);
      search_.schedules += result.schedules;
      if (!result.clean() || (Endless(result) != nullptr && Endless(search_.before) == nullptr)) {
        ++i;
        continue;
      }
      for (FixTrial& trial : search_.trials) {
        if (trial.fix.patch != search_.chosen[i].patch) continue;
        trial.status = FixStatus::kPart;
        trial.evidence = absl::StrCat("its finding is gone; not needed beside the other ",
                                      search_.chosen.size() == 2 ? "fix" : "fixes");
      }
      search_.chosen.erase(search_.chosen.begin() + static_cast<std::ptrdiff_t>(i));
      now_ = std::move(result);
    }
  }
  void WarnOfSecondCloses() {
    for (Fix& fix : search_.chosen) {
      for (const SecondCloseAt& close : now_.second_closes) {
        if (!HasPatch(fix.patch, close.patch)) continue;
        fix.warnings.push_back(
            absl::StrCat("With it, the program comes to its own Close() at ", close.site.ToString(),
                         ": a second one throws. Move that one, instead of writing another."));
      }
    }
  }
  // Each fix that was tried says so, wherever the findings are reported from now on.
  void NoteEvidence() {
    for (FixTrial& trial : search_.trials) {
      trial.fix.verification =
          absl::StrCat(std::string(FixStatusName(trial.status)), ": ", trial.evidence);
    }
    for (Fix& fix : search_.chosen) NoteOn(fix);
    for (ExploreOutcome& o : search_.before.outcomes) {
      Analysis analysis = o.report.analysis();
      for (Finding& finding : analysis.findings) {
        FindingData data = finding.data();
        for (Fix& fix : data.fixes) NoteOn(fix);
        for (Fix& fix : data.candidates) NoteOn(fix);
        finding = Finding(std::move(data));
      }
      o.report = LeakReport(std::move(analysis));
    }
  }
  // Edits that no virtual patch stands for.
  void NoteUntestable() {
    for (const Finding* finding : InOrder(*search_.before.bad())) {
      for (const Fix& fix : finding->data().fixes) {
        if (!fix.patch.empty()) continue;
        FixTrial trial;
        trial.fix = fix;
        trial.rule = std::string(finding->rule());
        trial.title = std::string(finding->title());
        trial.evidence = "no virtual patch stands for it: edit, build and explore again";
        trial.fix.verification =
            absl::StrCat(std::string(FixStatusName(trial.status)), ": ", trial.evidence);
        search_.trials.push_back(std::move(trial));
      }
    }
  }
  void NoteOn(Fix& fix) const {
    for (const FixTrial& trial : search_.trials) {
      if (!fix.patch.empty() && trial.fix.patch == fix.patch) {
        fix.verification = trial.fix.verification;
      }
    }
  }

  void Rounds() {
    for (int round = 0; round < kMostRounds && !now_.clean(); ++round) {
      if (!Round()) break;
    }
  }
  bool Round();
  FixStatus Try(const Finding& finding, const Fix& fix, ExploreResult* result);
  FixStatus TryRoom(const Finding& finding, Fix* fix, ExploreResult* result);
  bool Extend(const Finding& finding, const Fix& fix, ExploreResult* result);
  void Keep(const Fix& fix, ExploreResult result);

  const ExploreAgain& explore_;
  FixSearch search_;
  ExploreResult now_;             // with what is kept so far
  std::string patches_;           // what is kept so far
  std::vector<Fix> also_chosen_;  // of Extend(), until it is kept
  std::set<std::string> tried_;
  bool greedy_ = true;  // keep the first fix that makes things better
  bool kept_part_ = false;
  bool goes_further_ = false;  // what was tried last: GoesFurther()
};

// A fix that leaves nothing is taken at once; else the first one that makes things better.
bool Search::Round() {
  std::vector<Fix> partly, further;
  const ExploreOutcome bad = *now_.bad();
  for (const Finding* finding : InOrder(bad)) {
    if (greedy_ && !partly.empty()) break;
    for (Fix fix : finding->data().candidates) {
      if (!tried_.insert(absl::StrCat(patches_, "+", fix.patch)).second) continue;
      ExploreResult result;
      const FixStatus status = fix.kind == FixKind::kRaiseCapacity
                                   ? TryRoom(*finding, &fix, &result)
                                   : Try(*finding, fix, &result);
      if (status == FixStatus::kVerified ||
          (status == FixStatus::kPart && Extend(*finding, fix, &result))) {
        Keep(fix, std::move(result));
        return true;
      }
      if (status != FixStatus::kPart) continue;
      if (goes_further_) {  // there may be one that ends both waits
        further.push_back(fix);
        continue;
      }
      partly.push_back(fix);
      if (greedy_) break;
    }
  }
  if (partly.empty()) partly = further;
  if (partly.empty()) return false;
  kept_part_ = true;
  const Fix first = partly.front();
  Keep(first,
       explore_(absl::StrCat(patches_, patches_.empty() ? "" : ",", first.patch), now_.schedule));
  return true;
}

// The same operation may stand in several places: an edit of one kind on one channel counts as one
// fix. True if with the others of its kind nothing is left; those are kept then.
bool Search::Extend(const Finding& finding, const Fix& fix, ExploreResult* result) {
  constexpr int kMostPlaces = 8;
  std::vector<Fix> also;
  std::string patches = patches_.empty() ? fix.patch : absl::StrCat(patches_, ",", fix.patch);
  while (also.size() < kMostPlaces && !result->clean()) {
    const Fix* next = nullptr;
    for (const Finding& other : result->bad()->report.findings()) {
      if (other.channel_site().ToString() != finding.channel_site().ToString()) continue;
      for (const Fix& candidate : other.data().candidates) {
        const bool fresh = !HasPatch(patches, candidate.patch);
        if (next == nullptr && fresh && candidate.kind == fix.kind) next = &candidate;
      }
    }
    if (next == nullptr) return false;
    also.push_back(*next);
    absl::StrAppend(&patches, ",", also.back().patch);
    *result = explore_(patches, result->schedule);
    search_.schedules += result->schedules;
  }
  if (!result->clean() || (Endless(*result) != nullptr && Endless(search_.before) == nullptr)) {
    return false;
  }
  FixTrial& trial = search_.trials.back();
  trial.status = FixStatus::kVerified;
  trial.evidence = absl::StrCat(
      "with the same at ", also.size(), also.size() == 1 ? " other place" : " other places",
      ", the failing schedule and ", result->schedules - 1, " others leave nothing behind");
  for (const Fix& other : also) {
    patches_ += (patches_.empty() ? "" : ",") + other.patch;
    also_chosen_.push_back(other);
  }
  return true;
}

void Search::Keep(const Fix& fix, ExploreResult result) {
  patches_ += (patches_.empty() ? "" : ",") + fix.patch;
  search_.chosen.push_back(fix);
  search_.chosen.insert(search_.chosen.end(), also_chosen_.begin(), also_chosen_.end());
  also_chosen_.clear();
  now_ = std::move(result);
}

// Room for the largest need of all schedules seen, those with the patch in force among them. A need
// that grows each time is none that a buffer can meet.
FixStatus Search::TryRoom(const Finding& finding, Fix* fix, ExploreResult* result) {
  constexpr int kMostTries = 4;
  *fix = LargestNeed(*fix, now_);
  FixStatus status = Try(finding, *fix, result);
  for (int i = 1; i < kMostTries && status == FixStatus::kRefuted; ++i) {
    const Fix larger = LargestNeed(*fix, *result);
    if (larger.capacity == fix->capacity) return status;
    *fix = larger;
    status = Try(finding, *fix, result);
  }
  if (status == FixStatus::kRefuted && LargestNeed(*fix, *result).capacity > fix->capacity) {
    search_.trials.back().evidence += "; with more room more is needed: no buffer is large enough";
  }
  return status;
}

FixStatus Search::Try(const Finding& finding, const Fix& fix, ExploreResult* result) {
  FixTrial trial;
  trial.fix = fix;
  trial.rule = std::string(finding.rule());
  trial.title = std::string(finding.title());
  const std::string patches = patches_.empty() ? fix.patch : absl::StrCat(patches_, ",", fix.patch);
  *result = explore_(patches, now_.schedule);
  search_.schedules += result->schedules;
  const ExploreOutcome* const endless = Endless(*result);
  goes_further_ = false;
  if (endless != nullptr && Endless(search_.before) == nullptr) {
    trial.status = FixStatus::kRefuted;
    trial.evidence =
        absl::StrCat("refuted by schedule ", detector::ShortSchedule(endless->schedule),
                     ": with it the program does not come to an end");
  } else if (result->clean()) {
    trial.status = FixStatus::kVerified;
    trial.evidence = absl::StrCat("the failing schedule and ", result->schedules - 1,
                                  " others leave nothing behind");
  } else {
    const std::set<std::string> left = FindingsOf(*result), had = FindingsOf(now_);
    const bool nothing_new = std::includes(had.begin(), had.end(), left.begin(), left.end());
    const bool gone = !left.contains(KeyOf(finding));
    goes_further_ = !nothing_new && gone && GoesFurther(finding, now_, *result);
    const bool part = (nothing_new && gone) || goes_further_;
    trial.status = part ? FixStatus::kPart : FixStatus::kRefuted;
    trial.evidence = absl::StrCat(
        goes_further_ ? "its finding is gone, but the task goes on to wait elsewhere: "
        : part
            ? "its finding is gone; still: "
            : absl::StrCat("refuted by schedule ", detector::ShortSchedule(result->schedule), ": "),
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

std::vector<const FixTrial*> FixSearch::LookFirst() const {
  std::set<std::string_view> rules;
  for (const FixTrial& trial : trials) {
    const bool ends_waits_only =
        trial.fix.patch.starts_with("release") || trial.fix.patch.starts_with("giveup");
    const bool taken = std::any_of(chosen.begin(), chosen.end(),
                                   [&](const Fix& fix) { return fix.patch == trial.fix.patch; });
    if (ends_waits_only && taken) rules.insert(trial.rule);
  }
  std::vector<const FixTrial*> first;
  for (const FixTrial& trial : trials) {
    const bool known = std::any_of(first.begin(), first.end(), [&](const FixTrial* other) {
      return other->fix.summary == trial.fix.summary;
    });
    if (trial.status == FixStatus::kNotTestable && rules.contains(trial.rule) && !known) {
      first.push_back(&trial);
    }
  }
  return first;
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
