// The shards of one test run as one.
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detector/rules/fingerprint.h"
#include "stranded/gate.h"

namespace stranded {

std::vector<Finding> MergeByFingerprint(
    const std::vector<std::pair<std::string, std::vector<Finding>>>& by_file) {
  struct Merged {
    FindingData data;
    std::vector<std::string> files;
  };
  std::vector<Merged> merged;
  std::map<std::string, std::size_t, std::less<>> index;
  for (const auto& [file, findings] : by_file) {
    for (const Finding& f : findings) {
      const auto [it, fresh] = index.try_emplace(detector::CauseKey(f.data()), merged.size());
      if (fresh) {
        merged.push_back({f.data(), {file}});
        continue;
      }
      Merged& known = merged[it->second];
      known.data.task_count += f.task_count();
      if (known.files.back() != file) known.files.push_back(file);
    }
  }
  std::vector<Finding> findings;
  for (Merged& m : merged) {
    if (by_file.size() > 1) {
      m.data.notes.push_back(
          absl::StrCat("Seen in ", absl::StrJoin(m.files, ", "), "; ", m.data.task_count,
                       m.data.task_count == 1 ? " task in all." : " tasks in all."));
    }
    findings.emplace_back(std::move(m.data));
  }
  detector::NumberFingerprints(findings);
  return findings;
}

}  // namespace stranded
