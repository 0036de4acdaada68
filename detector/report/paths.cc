#include "stranded/paths.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "detector/fixes/source_edit.h"
#include "detector/model/snapshot.h"
#include "detector/report/portable.h"
#include "detector/report/source_root.h"
#include "stranded/options.h"

namespace stranded {

std::string PathPrefix(const std::string& folder) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(folder.c_str(), nullptr),
                                                         &std::free);
  if (real == nullptr) return "";
  std::string prefix = real.get();
  if (prefix.back() != '/') prefix += '/';
  return prefix;
}

std::string_view BelowPrefix(std::string_view path, std::string_view prefix) {
  if (!prefix.empty() && path.size() > prefix.size() && path.starts_with(prefix)) {
    path.remove_prefix(prefix.size());
  }
  return path;
}

std::string ShellWord(const std::string& word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || std::strchr("/._-+=:,@%", c);
  });
  return plain ? word : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

Analysis WithoutMachinePaths(const Analysis& analysis, std::string_view prefix) {
  Analysis portable = analysis;
  portable.findings.clear();
  for (FindingData& data : detector::PortableFindings(analysis, prefix)) {
    portable.findings.emplace_back(std::move(data));
  }
  portable.summary.program = detector::PortablePath(analysis.summary.program);
  return portable;
}

void DropMachinePaths(Analysis& analysis, std::string_view prefix) {
  Analysis portable = WithoutMachinePaths(analysis, prefix);
  if (analysis.dump != nullptr) {
    // Whoever reads a dump makes it as one that can be changed.
    detector::MakeSitesPortable(const_cast<detector::Dump&>(*analysis.dump), prefix);
  }
  analysis = std::move(portable);
}

}  // namespace stranded

namespace stranded::detector {
namespace {

namespace fs = std::filesystem;

bool OfLibrary(const std::string& file) {
  return file.starts_with("/usr/") || file.find("include/c++/") != std::string::npos;
}

// The longest path that both begin with.
fs::path Shared(const fs::path& a, const fs::path& b) {
  fs::path shared;
  const auto [end, ignored] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  for (auto part = a.begin(); part != end; ++part) shared /= *part;
  return shared;
}

}  // namespace

std::string SourceRoot(const std::vector<std::string>& files, const std::string& asked) {
  if (asked != ".") return asked;
  if (const std::string& given = GetOptions().source_root; !given.empty()) return given;
  const std::string here = PathPrefix(".");
  fs::path folder;
  for (const std::string& file : files) {
    if (!file.starts_with('/') || OfLibrary(file)) continue;
    if (!here.empty() && file.starts_with(here)) return ".";
    const fs::path own = fs::path(file).parent_path();
    folder = folder.empty() ? own : Shared(folder, own);
  }
  if (!folder.has_relative_path()) return ".";  // none, or they share nothing
  const fs::path project = ProjectOf(folder / "file");
  return project.empty() ? folder.string() : project.string();
}

std::string SourcePrefix(const std::vector<std::string>& files, const std::string& root) {
  const std::string told = root + "/";
  const bool begins = root.starts_with('/') && std::ranges::any_of(files, [&](const auto& file) {
                        return file.starts_with(told);
                      });
  return begins ? told : PathPrefix(root);
}

std::vector<std::string> FilesOf(const Dump& dump) {
  std::vector<std::string> files;
  for (const auto& [id, site] : dump.sites) files.emplace_back(site.file);
  return files;
}

std::string ShortFile(const std::string& file) {
  return PortablePath(file, SourcePrefix({file}, SourceRoot({file}, ".")));
}

void ShortenSteps(ExploreResult& result) {
  std::vector<std::string> files;
  for (const ExploreStep& step : result.steps) files.push_back(step.site.file);
  const std::string prefix = SourcePrefix(files, SourceRoot(files, "."));
  for (ExploreStep& step : result.steps) {
    if (!OfLibrary(step.site.file)) step.site.file = PortablePath(step.site.file, prefix);
  }
}

}  // namespace stranded::detector
