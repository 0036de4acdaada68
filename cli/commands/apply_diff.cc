#include "cli/commands/apply_diff.h"

#include <algorithm>
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
  std::size_t first = 0;           // line number, from 1
  std::vector<std::string> lines;  // each behind its sign: ' ', '-' or '+'
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
      hunk.lines.push_back(line);
    }
  }
  if (hunk.path.empty() || hunk.first == 0 || hunk.lines.empty()) {
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

absl::StatusOr<std::string> ApplyDiff(const std::string& diff, const std::string& root,
                                      EditedLines& edited) {
  const auto hunk = ParseDiff(diff);
  if (!hunk.ok()) return hunk.status();
  const std::string path = absl::StrCat(root, "/", hunk->path);
  const auto text = ReadFile(path);
  if (!text.ok()) return text.status();
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  std::size_t at = hunk->first - 1;
  std::vector<std::string> after(
      lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(at, lines.size())));
  std::vector<std::size_t> changed;
  for (const std::string& line : hunk->lines) {
    if (line[0] == '+') {
      after.push_back(line.substr(1));
      changed.push_back(after.size());
      continue;
    }
    const bool same = at < lines.size() && lines[at] == line.substr(1);
    // What another edit of this run has made of a line beside it stays.
    const bool ours = line[0] == ' ' && at < lines.size() && edited.contains({path, at + 1});
    if (!same && !ours) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, ":", at + 1, " is not as it was when the program was built"));
    }
    if (line[0] == ' ') after.push_back(lines[at]);
    ++at;
  }
  after.insert(after.end(), lines.begin() + static_cast<std::ptrdiff_t>(at), lines.end());
  const absl::Status written = internal::WriteFile(path, absl::StrJoin(after, "\n"));
  if (!written.ok()) {
    return absl::Status(written.code(), absl::StrCat("cannot write ", written.message()));
  }
  for (const std::size_t number : changed) edited.insert({path, number});
  return hunk->path;
}

}  // namespace stranded::cli
