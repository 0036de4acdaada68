#include "detector/report/html_tables.h"

#include <algorithm>

#include "absl/strings/str_replace.h"
#include "detector/report/html_page.h"
#include "detector/report/portable.h"

namespace stranded::detector {

PageTables::PageTables(const Dump& dump) : dump_(dump) {
  strings_.push_back("");
  string_ids_[""] = 0;
  sites_.push_back({0, 0, 0});
  absl::flat_hash_map<std::string_view, bool> seen;
  for (const auto& [id, site] : dump.sites) {
    if (site.file.empty() || site.file.front() != '/') continue;
    if (!seen.try_emplace(site.file, true).second) continue;
    paths_.emplace_back(std::string(site.file), PortablePath(site.file));
  }
}

std::size_t PageTables::Text(std::string_view raw) {
  const auto [known, fresh] = string_ids_.try_emplace(std::string(raw), strings_.size());
  if (!fresh) return known->second;
  std::string text = Utf8(raw);
  if (text.find('/') != std::string::npos && !paths_.empty()) {
    text = absl::StrReplaceAll(text, paths_);
  }
  strings_.push_back(std::move(text));
  return strings_.size() - 1;
}

std::size_t PageTables::Site(SiteId id) {
  const auto [it, fresh] = site_ids_.try_emplace(id, 0);
  if (!fresh) return it->second;
  const detector::Site& site = dump_.SiteOf(id);
  if (site.line == 0) return 0;
  Json row = {Text(PortablePath(site.file)), site.line, Text(site.function)};
  const auto [known, first] = site_rows_.try_emplace(row.dump(), sites_.size());
  if (first) sites_.push_back(std::move(row));
  return site_ids_[id] = known->second;
}

PageStacks::PageStacks(const Dump& dump, PageTables& tables)
    : dump_(dump), tables_(tables), symbolizer_(dump) {}

std::vector<StackFrame> PageStacks::FramesOf(const Snapshot& snap, const Task& task) {
  std::vector<StackFrame> out;
  for (std::uint32_t i = 0; i < task.frame_count; ++i) {
    const std::uint64_t frame = snap.frames[task.first_frame + i];
    if (!dump_.frames_are_sites) {
      symbolizer_.AddFrames(frame, out);
      continue;
    }
    const detector::Site& site = dump_.SiteOf(static_cast<SiteId>(frame));
    StackFrame& f = out.emplace_back();
    f.function = std::string(site.function);
    f.file = std::string(site.file);
    f.line = site.line;
    f.runtime = site.function.starts_with("runtime.");
  }
  return out;
}

std::size_t PageStacks::Frame(const StackFrame& f) {
  const std::string name = f.function.empty() ? PortablePath(f.module) : f.function;
  Json row = {tables_.Text(name), tables_.Text(PortablePath(f.file)), f.line,
              static_cast<int>(OwnerOf(f))};
  const auto [it, fresh] = frame_ids_.try_emplace(row.dump(), frames_.size());
  if (fresh) frames_.push_back(std::move(row));
  return it->second;
}

std::size_t PageStacks::Of(const Snapshot& snap, const Task& task) {
  if (task.frame_count == 0 ||
      std::size_t{task.first_frame} + task.frame_count > snap.frames.size()) {
    return 0;
  }
  const auto* first = reinterpret_cast<const char*>(&snap.frames[task.first_frame]);
  const std::string key(first, task.frame_count * sizeof(std::uint64_t));
  const auto known = stack_ids_.find(key);
  if (known != stack_ids_.end()) return known->second;
  if (stacks_.size() > kMost) return 0;
  Json rows = Json::array();
  for (const StackFrame& f : FramesOf(snap, task)) rows.push_back(Frame(f));
  stack_ids_[key] = stacks_.size();
  stacks_.push_back(std::move(rows));
  return stacks_.size() - 1;
}

}  // namespace stranded::detector
