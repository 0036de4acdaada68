// Texts, sites and stacks of the page's data, each written once.
//
// Thread safety: one writer, one thread. Invariant: index 0 is the empty text, the unknown site.
#ifndef STRANDED_DETECTOR_REPORT_HTML_TABLES_H_
#define STRANDED_DETECTOR_REPORT_HTML_TABLES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "detector/model/snapshot.h"
#include "detector/report/finding_json.h"
#include "detector/report/symbolizer.h"

namespace stranded::detector {

class PageTables {
 public:
  explicit PageTables(const Dump& dump);

  // No absolute path that is a site's stays in it.
  std::size_t Text(std::string_view text);
  std::size_t Site(SiteId id);
  Json TakeStrings() { return std::move(strings_); }
  Json TakeSites() { return std::move(sites_); }

 private:
  const Dump& dump_;
  Json strings_ = Json::array(), sites_ = Json::array();
  absl::flat_hash_map<std::string, std::size_t> string_ids_;
  absl::flat_hash_map<SiteId, std::size_t> site_ids_;
  absl::flat_hash_map<std::string, std::size_t> site_rows_;
  std::vector<std::pair<std::string, std::string>> paths_;  // absolute, and what is shown of them
};

// Equal stacks are one. Of more than kMost different ones the first are kept.
class PageStacks {
 public:
  PageStacks(const Dump& dump, PageTables& tables);

  std::size_t Of(const Snapshot& snap, const Task& task);  // 0: none
  Json TakeStacks() { return std::move(stacks_); }
  Json TakeFrames() { return std::move(frames_); }

 private:
  static constexpr std::size_t kMost = 300;

  std::vector<StackFrame> FramesOf(const Snapshot& snap, const Task& task);
  std::size_t Frame(const StackFrame& frame);

  const Dump& dump_;
  PageTables& tables_;
  Symbolizer symbolizer_;
  Json stacks_ = Json::array({Json::array()}), frames_ = Json::array();
  absl::flat_hash_map<std::string, std::size_t> stack_ids_, frame_ids_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_HTML_TABLES_H_
