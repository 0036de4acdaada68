#include "cli/commands/explored_file.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "stranded/explore_json.h"

namespace stranded::cli {
namespace {

// "none 12 Fetch.*": its tests, and the filter that leaves none of them.
absl::Status NoTest(const std::string& program, const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 2));
  if (words.size() < 3) return absl::InternalError(absl::StrCat("not understood: ", line));
  if (words[1] == "0") return absl::FailedPreconditionError(absl::StrCat(program, " has no tests"));
  return absl::FailedPreconditionError(absl::StrCat(
      "none of the ", words[1], " tests of '", program, "' matches the filter '", words[2], "'"));
}

// "begin prog" or "test Fetch.One": what stands behind that; "" for other lines.
std::string BegunIn(const std::string& line) {
  for (const char* word : {"begin ", "test "}) {
    if (line.starts_with(word)) return line.substr(std::strlen(word));
  }
  return "";
}

// "crash 11 3 0.1t1 Fetch.One". False for other lines.
bool ReadEnd(const std::string& line, ProgramEnd* end) {
  const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 4));
  if (words[0] != "crash" && words[0] != "hang" && words[0] != "exit") return false;
  int value = 0;
  if (words.size() != 5 || !absl::SimpleAtoi(words[1], &value)) return true;
  if (!absl::SimpleAtoi(words[2], &end->number)) return true;
  if (words[0] == "hang") end->hung_s = value;
  end->exited = words[0] == "exit";
  end->schedule = words[3];
  end->body = words[4];
  return true;
}

}  // namespace

absl::Status ReadExplored(const std::string& path, const std::string& program, ExploredFile* file) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    if (const std::string name = BegunIn(line); !name.empty()) {
      file->unfinished.push_back(name);
      file->is_test = file->end.is_test = line.starts_with("test ");
    } else if (line.starts_with("none ")) {
      file->none = true;
      file->no_tests = NoTest(program, line);
    } else if (line.starts_with("cannot ")) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot run '", program, "': ", line.substr(std::strlen("cannot "))));
    } else if (!ReadEnd(line, &file->end)) {
      auto result = detector::ParseExploreJson(line);
      if (!result.ok()) return result.status();
      std::erase(file->unfinished, result->name);
      file->results.push_back(*std::move(result));
    }
  }
  return absl::OkStatus();
}

std::string NowExploring(const std::string& path) {
  constexpr std::streamoff kTail = 512;
  std::ifstream in(path, std::ios::ate);
  const std::streamoff size = in.tellg();
  in.seekg(std::max<std::streamoff>(0, size - kTail));
  std::string line, name;
  while (std::getline(in, line)) name = BegunIn(line);
  return name.empty() ? "exploring" : absl::StrCat("exploring ", name);
}

}  // namespace stranded::cli
