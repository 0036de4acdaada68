#include "detector/report/sarif_fix.h"

#include <cctype>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "detector/report/portable.h"

namespace stranded::detector {
namespace {

// Lines deleted and inserted at one place.
struct Edit {
  std::size_t first = 0, deleted = 0;
  std::string inserted;
  bool empty() const { return deleted == 0 && inserted.empty(); }
};

Json Replacement(const Edit& e) {
  Json j = {{"deletedRegion",
             {{"startLine", e.first},
              {"startColumn", 1},
              {"endLine", e.first + e.deleted},
              {"endColumn", 1}}}};
  if (!e.inserted.empty()) j["insertedContent"] = {{"text", Utf8(e.inserted)}};
  return j;
}

void Flush(Edit& edit, Json& changes) {
  if (!edit.empty() && !changes.empty()) {
    changes.back()["replacements"].push_back(Replacement(edit));
  }
  edit = {};
}

}  // namespace

std::string UriOf(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || absl::StrContains("-._~/+@", absl::string_view(&c, 1))) {
      out += c;
    } else {
      absl::StrAppend(&out, "%", absl::Hex(byte, absl::kZeroPad2));
    }
  }
  return out;
}

Json ArtifactOf(const std::string& path) {
  return {{"uri", UriOf(path)}, {"uriBaseId", "%SRCROOT%"}};
}

Json ArtifactChanges(const std::string& diff) {
  Json changes = Json::array();
  Edit edit;
  std::size_t line = 0;
  bool in_hunk = false;
  for (const absl::string_view row : absl::StrSplit(diff, '\n')) {
    if (absl::StartsWith(row, "--- a/")) {
      Flush(edit, changes);
      changes.push_back(Json::object({{"artifactLocation", ArtifactOf(std::string(row.substr(6)))},
                                      {"replacements", Json::array()}}));
      in_hunk = false;
    } else if (absl::StartsWith(row, "@@ -")) {
      Flush(edit, changes);
      line = std::strtoul(std::string(row.substr(4)).c_str(), nullptr, 10);
      in_hunk = true;
    } else if (in_hunk && absl::StartsWith(row, "-")) {
      if (edit.empty()) edit.first = line;
      ++edit.deleted;
      ++line;
    } else if (in_hunk && absl::StartsWith(row, "+")) {
      if (edit.empty()) edit.first = line;
      absl::StrAppend(&edit.inserted, row.substr(1), "\n");
    } else if (in_hunk && absl::StartsWith(row, " ")) {
      Flush(edit, changes);
      ++line;
    }
  }
  Flush(edit, changes);
  Json used = Json::array();  // an artifactChange without replacements is not allowed
  for (Json& change : changes) {
    if (!change["replacements"].empty()) used.push_back(std::move(change));
  }
  return used;
}

}  // namespace stranded::detector
