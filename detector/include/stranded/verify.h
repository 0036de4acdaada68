// Fixes that are proven: each candidate is applied at run time and explored.
//
// Overview: takes the first bad end of an exploration and tries what could end it, in the order of
// its candidates, as virtual patches: the failing schedule again, then many others. A fix is
// verified when with it nothing is stranded, nothing throws and nothing fails in any of them. Where
// one fix ends one finding and leaves another, it is kept and the search goes on for the other.
// Thread safety: as for Explore.
#ifndef STRANDED_DETECTOR_VERIFY_H_
#define STRANDED_DETECTOR_VERIFY_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stranded/explore.h"

namespace stranded {

enum class FixStatus {
  kVerified,     // alone or with those kept before it, nothing is left
  kPart,         // ends its finding; others remain
  kRefuted,      // something is still stranded, or worse
  kNotTestable,  // no virtual patch stands for it
};
std::string_view FixStatusName(FixStatus status);

struct FixTrial {
  Fix fix;
  FixStatus status = FixStatus::kNotTestable;
  std::string rule, title;  // of the finding it is meant for
  std::string evidence;     // one sentence
  bool test_fails = false;  // with it, an expectation of the test does, or an exception leaves it
};

struct FixSearch {
  bool was_clean = false;        // there was nothing to fix
  bool verified = false;         // with `chosen` together nothing is left
  std::vector<FixTrial> trials;  // in the order in which they were tried
  std::vector<Fix> chosen;
  // One fix is chosen, and no diff of it is certain: this one has one, and does as well.
  std::optional<Fix> appliable;
  int schedules = 0;     // explored in all
  ExploreResult before;  // each fix in it says what came of it
  // What is chosen may only end a wait: then these, which no virtual patch stands for, may be what
  // is wrong.
  std::vector<const FixTrial*> LookFirst() const;
  std::string ToText() const;
  std::string ToJson() const;  // one line; format "stranded-fix", version 1
};

// Explores the program again with these virtual patches in force, beginning with schedule `replay`
// (empty: none).
using ExploreAgain =
    std::function<ExploreResult(const std::string& patches, const std::string& replay)>;

FixSearch SearchFixes(const ExploreResult& before, const ExploreAgain& explore);

// The same for a body: explores it with `options`, then each candidate with `verify` schedules.
FixSearch FixBody(const ExploreOptions& options, int verify, const std::function<void()>& body);

}  // namespace stranded

#endif  // STRANDED_DETECTOR_VERIFY_H_
