#include "detector/go/trend.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kMostDumps = 16;
constexpr std::uint64_t kLeastGrowth = 10;

}  // namespace

GoTrend::GoTrend(const GoDumps& all, const GoDump& last) {
  if (&last != &all.dumps.back()) return;
  std::size_t first = all.dumps.size() - std::min(kMostDumps, all.dumps.size());
  for (std::size_t i = first; i + 1 < all.dumps.size(); ++i) {
    const GoDump& dump = all.dumps[i];
    if (dump.deadlock || dump.bubble_deadlock || dump.timed_out) first = i + 1;
  }
  if (all.dumps.size() - first < 2) return;
  for (std::size_t i = first; i < all.dumps.size(); ++i) {
    pictures_.push_back(LookAtGo(all, all.dumps[i]));
  }
}

std::vector<std::uint64_t> GoTrend::Counts(const GoDumps& all, const GoPile& pile) const {
  std::vector<std::uint64_t> counts;
  const GoFrame& site = all.frames[pile.site];
  for (const GoPicture& picture : pictures_) {
    std::uint64_t count = 0;
    for (const GoPile& other : picture.piles) {
      const GoFrame& there = all.frames[other.site];
      if (there.function == site.function && there.line == site.line && other.kind == pile.kind) {
        count += other.count;
      }
    }
    counts.push_back(count);
  }
  return counts;
}

std::string GoTrend::Text(const GoDumps& all, const GoPile& pile) const {
  if (pictures_.empty()) return "";
  return absl::StrCat(
      "Goroutines at this place, oldest dump first: ", absl::StrJoin(Counts(all, pile), ", "), ".");
}

bool GoTrend::Grows(const GoDumps& all, const GoPile& pile) const {
  const std::vector<std::uint64_t> counts = Counts(all, pile);
  if (counts.size() < 2) return false;
  const bool rises = std::adjacent_find(counts.begin(), counts.end(),
                                        [](auto a, auto b) { return b <= a; }) == counts.end();
  return rises && counts.back() >= counts.front() + kLeastGrowth &&
         counts.back() >= 2 * counts.front();
}

}  // namespace stranded::detector
