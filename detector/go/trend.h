// How many goroutines wait at each place, from dump to dump.
#ifndef STRANDED_DETECTOR_GO_TREND_H_
#define STRANDED_DETECTOR_GO_TREND_H_

#include <string>
#include <vector>

#include "detector/go/piles.h"

namespace stranded::detector {

class GoTrend {
 public:
  // Empty for dumps that are not the last, and counts none of programs that ended.
  GoTrend(const GoDumps& all, const GoDump& last);
  // "3, 7, 12 in the last 3 dumps"; empty for a single dump.
  std::string Text(const GoDumps& all, const GoPile& pile) const;
  // More in each dump than in the one before, twice as many at the end, and ten more at least.
  bool Grows(const GoDumps& all, const GoPile& pile) const;

 private:
  std::vector<std::uint64_t> Counts(const GoDumps& all, const GoPile& pile) const;
  std::vector<GoPicture> pictures_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_GO_TREND_H_
