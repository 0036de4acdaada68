#include "detector/explore/minimize.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace stranded::detector {
namespace {

constexpr int kMostTrials = 1000;
constexpr std::size_t kMostWork = 500000;  // changes in all trials: long runs take long to repeat

std::vector<std::string> Split(const std::string& schedule) {
  if (schedule == "-") return {};
  return absl::StrSplit(schedule, ',');
}

std::string Join(const std::vector<std::string>& changes) {
  return changes.empty() ? "-" : absl::StrJoin(changes, ",");
}

}  // namespace

Minimizer::Minimizer(const std::string& schedule) : best_(Split(schedule)), part_(best_.size()) {}

bool Minimizer::Next(std::string* schedule) {
  while (at_ >= best_.size() && part_ > 0) {
    part_ = part_ == 1 ? 0 : (part_ + 1) / 2;
    at_ = 0;
  }
  if (part_ == 0 || best_.empty() || tried_ >= kMostTrials || work_ >= kMostWork) return false;
  ++tried_;
  work_ += best_.size();
  trial_ = best_;
  const auto first = trial_.begin() + static_cast<std::ptrdiff_t>(at_);
  trial_.erase(first, first + static_cast<std::ptrdiff_t>(std::min(part_, trial_.size() - at_)));
  *schedule = Join(trial_);
  return true;
}

void Minimizer::Report(bool same_end, const std::string& ran) {
  if (!same_end) {
    at_ += part_;
    return;
  }
  const std::vector<std::string> effective = Split(ran);
  const bool smaller = effective.size() < trial_.size();
  best_ = smaller ? effective : trial_;
  part_ = std::min(part_, best_.size());
  // What was left out before may be needless now: one more round with single changes at the end.
  if (part_ <= 1) at_ = 0;
}

std::string Minimizer::best() const { return Join(best_); }

}  // namespace stranded::detector
