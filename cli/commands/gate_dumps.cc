#include "cli/commands/gate_dumps.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "stranded/gate.h"
#include "stranded/report.h"

namespace stranded::cli {
namespace {

// Of several dumps; where they differ, nothing is said.
void AddSummary(const AnalysisSummary& one, AnalysisSummary& all) {
  all.tasks += one.tasks;
  all.blocked += one.blocked;
  all.contexts += one.contexts;
  all.channels += one.channels;
  all.stranded += one.stranded;
  all.quiet = all.quiet && one.quiet;
  all.deadlock = all.deadlock || one.deadlock;
  for (const auto text : {&AnalysisSummary::reason, &AnalysisSummary::label,
                          &AnalysisSummary::program, &AnalysisSummary::world}) {
    if (one.*text != all.*text) (all.*text).clear();
  }
  if (!one.died_of.empty()) all.died_of = one.died_of;
  all.hidden += one.hidden;
  all.expected += one.expected;
}

void Add(const Analysis& one, const std::string& file, bool only_file, GateDumps& all) {
  Analysis& merged = all.merged;
  if (all.readable++ == 0) {
    std::vector<std::string> losses = std::move(merged.summary.losses);  // of those before
    merged.summary = one.summary;
    merged.summary.losses = std::move(losses);
  } else {
    AddSummary(one.summary, merged.summary);
  }
  if (only_file) merged.dump = one.dump;
  merged.look_again += one.look_again;
  for (const std::string& loss : one.summary.losses) {
    merged.summary.losses.push_back(only_file ? loss : absl::StrCat(file, ": ", loss));
  }
  all.partly_unread |= PartlyLost(one);
  if (const std::string& signal = one.summary.died_of; !signal.empty()) {
    std::fprintf(stderr, "stranded: %s: its program died of %s\n", file.c_str(), signal.c_str());
  }
}

}  // namespace

GateDumps LoadForGate(const InputOptions& input) {
  GateDumps all;
  std::vector<std::pair<std::string, std::vector<Finding>>> by_file;
  for (const std::string& file : input.files) {
    const auto one = Load(file, input);
    if (one == nullptr) {
      // The others are judged all the same: what is new in them is not to be hidden by this.
      all.partly_unread = true;
      all.merged.summary.losses.push_back(absl::StrCat(file, ": it could not be read"));
      continue;
    }
    Add(*one, file, input.files.size() == 1, all);
    by_file.emplace_back(file, one->findings);
  }
  all.merged.findings = MergeByFingerprint(by_file);
  all.merged.summary.partly_lost = all.partly_unread;
  return all;
}

}  // namespace stranded::cli
