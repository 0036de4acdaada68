#include "cli/commands/apply_diff.h"

#include <cstdio>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "stranded/internal/output_file.h"

namespace stranded::cli {
namespace {

struct Hunk {
  std::string path;
  std::size_t first = 0;  // line number, from 1
  std::vector<std::string> before, after;
};

absl::StatusOr<Hunk> ParseDiff(const std::string& diff) {
  Hunk hunk;
  bool inside = false;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(diff, '\n'))) {
    if (line.starts_with("+++ b/")) {
      hunk.path = line.substr(6);
    } else if (line.starts_with("@@ -")) {
      if (inside) return absl::UnimplementedError("a diff of more than one hunk");
      inside = std::sscanf(line.c_str(), "@@ -%zu", &hunk.first) == 1;
    } else if (inside && !line.empty() && line[0] != '\\') {
      if (line[0] != '+') hunk.before.push_back(line.substr(1));
      if (line[0] != '-') hunk.after.push_back(line.substr(1));
    }
  }
  if (hunk.path.empty() || hunk.first == 0 || hunk.before.empty()) {
    return absl::InvalidArgumentError("this is not a diff that can be applied");
  }
  return hunk;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

absl::StatusOr<std::string> ApplyDiff(const std::string& diff, const std::string& root) {
  const auto hunk = ParseDiff(diff);
  if (!hunk.ok()) return hunk.status();
  const std::string path = absl::StrCat(root, "/", hunk->path);
  const auto text = ReadFile(path);
  if (!text.ok()) return text.status();
  std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  const std::size_t at = hunk->first - 1;
  for (std::size_t i = 0; i < hunk->before.size(); ++i) {
    if (at + i < lines.size() && lines[at + i] == hunk->before[i]) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(path, ":", at + i + 1, " is not as it was when the program was built"));
  }
  const auto first = lines.begin() + static_cast<std::ptrdiff_t>(at);
  lines.erase(first, first + static_cast<std::ptrdiff_t>(hunk->before.size()));
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), hunk->after.begin(),
               hunk->after.end());
  const absl::Status written = internal::WriteFile(path, absl::StrJoin(lines, "\n"));
  if (!written.ok()) {
    return absl::Status(written.code(), absl::StrCat("cannot write ", written.message()));
  }
  return hunk->path;
}

}  // namespace stranded::cli
