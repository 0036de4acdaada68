// What `stranded fix` found, tried and proved, for programs.
#include "absl/strings/str_cat.h"
#include "detector/report/finding_json.h"
#include "stranded/explore_json.h"
#include "stranded/verify.h"

namespace stranded {

std::string FixSearch::ToJson() const {
  using detector::Json;
  Json tried = Json::array(), fixes = Json::array();
  for (const FixTrial& t : trials) {
    tried.push_back({{"status", FixStatusName(t.status)},
                     {"evidence", t.evidence},
                     {"rule", t.rule},
                     {"finding", t.title},
                     {"fix", detector::FixJson(t.fix)}});
  }
  for (const Fix& fix : chosen) fixes.push_back(detector::FixJson(fix));
  Json all = {{"format", "stranded-fix"},
              {"version", 1},
              {"name", before.name},
              {"clean", was_clean},
              {"verified", verified},
              {"schedules", schedules},
              {"fixes", fixes},
              {"trials", tried},
              {"exploration", Json::parse(detector::ExploreJson(before))}};
  if (appliable.has_value()) all["appliable"] = detector::FixJson(*appliable);
  return absl::StrCat(all.dump(-1, ' ', false, Json::error_handler_t::replace), "\n");
}

}  // namespace stranded
