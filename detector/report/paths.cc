#include "stranded/paths.h"

#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "detector/model/snapshot.h"
#include "detector/report/portable.h"

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
