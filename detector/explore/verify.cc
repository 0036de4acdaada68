#include "stranded/verify.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "detector/explore/explore_text.h"
#include "detector/explore/progress.h"

namespace stranded {
namespace {

using detector::Endless;
using detector::EndsWaitsOnly;
using detector::FindingsOf;
using detector::GoesFurther;
using detector::HasPatch;
using detector::InOrder;
using detector::KeyOf;
using detector::LargestNeed;

constexpr int kMostRounds = 4;

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
    FindAppliable();
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
  void FindAppliable();
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
    instead_.reset();
    for (int round = 0; round < kMostRounds && !now_.clean(); ++round) {
      if (!Round()) break;
    }
    if (!instead_.has_value()) return;
    const bool edits_do =
        now_.clean() && std::none_of(search_.chosen.begin(), search_.chosen.end(), EndsWaitsOnly);
    if (edits_do) return;
    search_.chosen = std::move(instead_->chosen);
    now_ = std::move(instead_->result);
  }
  bool Round();
  FixStatus Try(const Finding& finding, const Fix& fix, ExploreResult* result);
  FixStatus TryRoom(const Finding& finding, Fix* fix, ExploreResult* result);
  bool Extend(const Finding& finding, const Fix& fix, ExploreResult* result);
  void Keep(const Fix& fix, ExploreResult result);
  void KeepInstead(const Fix& fix, ExploreResult result);
  std::vector<Fix> WithOthers(const Fix& fix);

  const ExploreAgain& explore_;
  FixSearch search_;
  ExploreResult now_;             // with what is kept so far
  std::string patches_;           // what is kept so far
  std::vector<Fix> also_chosen_;  // of Extend(), until it is kept
  std::set<std::string> tried_;
  struct Kept {
    std::vector<Fix> chosen;
    ExploreResult result;
  };
  std::optional<Kept> instead_;  // verified, though it only ends a wait: if edits alone do not do
  bool greedy_ = true;           // keep the first fix that makes things better
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
        if (!further.empty() && !instead_.has_value() && EndsWaitsOnly(fix)) {
          KeepInstead(fix, std::move(result));
          continue;
        }
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

// What is verified and cannot be written down is one choice; an edit of one line is another.
void Search::FindAppliable() {
  if (!search_.verified || search_.chosen.size() != 1 || !search_.chosen[0].diff.empty()) return;
  now_ = search_.before;
  patches_.clear();
  for (const Finding* finding : InOrder(*search_.before.bad())) {
    for (Fix fix : finding->data().candidates) {
      if (fix.diff.empty() || !tried_.insert(absl::StrCat("+", fix.patch)).second) continue;
      ExploreResult result;
      const FixStatus status = fix.kind == FixKind::kRaiseCapacity
                                   ? TryRoom(*finding, &fix, &result)
                                   : Try(*finding, fix, &result);
      if (status != FixStatus::kVerified || fix.diff.empty()) continue;
      search_.appliable = std::move(fix);
      return;
    }
  }
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
    also_chosen_.push_back(other);
  }
  return true;
}

void Search::Keep(const Fix& fix, ExploreResult result) {
  for (const Fix& kept : WithOthers(fix)) {
    patches_ += (patches_.empty() ? "" : ",") + kept.patch;
    search_.chosen.push_back(kept);
  }
  now_ = std::move(result);
}

// And what Extend() found beside it.
std::vector<Fix> Search::WithOthers(const Fix& fix) {
  std::vector<Fix> all = {fix};
  all.insert(all.end(), also_chosen_.begin(), also_chosen_.end());
  also_chosen_.clear();
  return all;
}

// For want of edits that do: what is chosen so far, and this.
void Search::KeepInstead(const Fix& fix, ExploreResult result) {
  instead_ = {search_.chosen, std::move(result)};
  for (Fix& kept : WithOthers(fix)) instead_->chosen.push_back(std::move(kept));
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

// Without changes it is the default one.
std::string RefutedBy(const std::string& schedule) {
  if (schedule.empty()) return "refuted by the default schedule: ";
  return absl::StrCat("refuted by schedule ", detector::ShortSchedule(schedule), ": ");
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
        absl::StrCat(RefutedBy(endless->schedule), "with it the program does not come to an end");
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
    const ExploreOutcome& bad = *result->bad();
    trial.test_fails = !bad.failure.empty() || !bad.exceptions.empty();
    trial.evidence =
        absl::StrCat(goes_further_ ? "its finding is gone, but the task goes on to wait elsewhere: "
                     : part        ? "its finding is gone; still: "
                                   : RefutedBy(result->schedule),
                     detector::OutcomeText(bad));
  }
  const FixStatus status = trial.status;
  search_.trials.push_back(std::move(trial));
  return status;
}

}  // namespace

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

}  // namespace stranded
