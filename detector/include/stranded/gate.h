// What a CI gate knows beside the findings: suppressions and a baseline.
//
// Overview: a suppression says "never mind findings like this, because ..."; a baseline lists, by
// fingerprint, the findings that are known. A gate fails on what is neither.
// Thread safety: plain values.
// Errors: InvalidArgument with file and line for files that are not understood.
#ifndef STRANDED_DETECTOR_GATE_H_
#define STRANDED_DETECTOR_GATE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stranded/finding.h"

namespace stranded {

// One line of a suppressions file: rule=GLOB function=GLOB file=GLOB reason="..."
struct Suppression {
  std::string rule, function, file, reason;
  int line = 0;
  std::size_t hits = 0;
  bool Matches(const Finding& finding) const;
};

absl::StatusOr<std::vector<Suppression>> ParseSuppressions(const std::string& text,
                                                           const std::string& source);
absl::StatusOr<std::vector<Suppression>> ReadSuppressions(const std::string& path);
// A line that suppresses the finding.
std::string SuppressionFor(const Finding& finding, const std::string& reason);

struct BaselineEntry {
  std::string fingerprint, rule, title, reason, date;
  std::string expires = "";  // YYYY-MM-DD: from then on it is not known any more; empty: never
  bool seen = false;
  bool Expired(std::string_view today) const { return !expires.empty() && expires <= today; }
};

struct Baseline {
  std::vector<BaselineEntry> entries;
  BaselineEntry* Find(std::string_view fingerprint);
};

absl::StatusOr<Baseline> ReadBaseline(const std::string& path);
absl::Status WriteBaseline(const std::string& path, const Baseline& baseline);
// Adds the findings that are not in it yet, dated `date`, and renews those that have expired.
void AddToBaseline(const std::vector<Finding>& findings, const std::string& date,
                   const std::string& reason, const std::string& expires, Baseline& baseline);
// YYYY-MM-DD
bool IsDate(std::string_view text);

// Findings with one fingerprint from several dumps as one, with a note of where it was seen.
std::vector<Finding> MergeByFingerprint(
    const std::vector<std::pair<std::string, std::vector<Finding>>>& by_file);

// `*` stands for any text.
bool GlobMatches(std::string_view glob, std::string_view text);

}  // namespace stranded

#endif  // STRANDED_DETECTOR_GATE_H_
