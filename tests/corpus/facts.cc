#include "tests/corpus/facts.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace stranded::corpus {
namespace {

std::vector<std::string> Split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

// KIND, KIND*N or KIND*A-B
struct Wanted {
  std::string kind;
  int least = 1, most = 1;
};

Wanted ParseWanted(const std::string& text) {
  Wanted wanted;
  const std::size_t star = text.find('*');
  wanted.kind = text.substr(0, star);
  if (star == std::string::npos) return wanted;
  wanted.least = std::atoi(text.c_str() + star + 1);
  const std::size_t dash = text.find('-', star);
  wanted.most = dash == std::string::npos ? wanted.least : std::atoi(text.c_str() + dash + 1);
  return wanted;
}

bool MatchesOne(const std::string& documented, const BlockedSet& found) {
  BlockedSet left = found;
  if (documented != "-") {
    for (const std::string& item : Split(documented, ';')) {
      const Wanted wanted = ParseWanted(item);
      const int got = left.contains(wanted.kind) ? left[wanted.kind] : 0;
      if (got < wanted.least || got > wanted.most) return false;
      left.erase(wanted.kind);
    }
  }
  return left.empty();
}

// NoCloseRange -> no_close_range; the names with digits stay as they are.
std::string FileName(const std::string& kernel) {
  if (std::filesystem::exists(kernel)) return kernel;
  std::string name;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    const bool upper = std::isupper(static_cast<unsigned char>(kernel[i])) != 0;
    const bool begins =
        upper && i > 0 &&
        (std::islower(static_cast<unsigned char>(kernel[i - 1])) != 0 ||
         (i + 1 < kernel.size() && std::islower(static_cast<unsigned char>(kernel[i + 1])) != 0));
    if (begins) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(kernel[i])));
  }
  return name;
}

}  // namespace

bool Facts::Matches(const BlockedSet& found) const {
  if (MatchesOne(documented, found)) return true;
  for (const std::string& set : alternatives) {
    if (MatchesOne(set, found)) return true;
  }
  return false;
}

std::map<std::string, Facts> ReadFacts(const std::string& tsv) {
  std::ifstream in(tsv);
  if (!in) {
    std::fprintf(stderr, "corpus: cannot read %s\n", tsv.c_str());
    std::exit(3);
  }
  std::map<std::string, Facts> all;
  std::string line;
  std::getline(in, line);  // the head
  while (std::getline(in, line)) {
    const std::vector<std::string> c = Split(line, '\t');
    if (c.size() < 10) continue;
    Facts facts;
    facts.name = c[0];
    facts.bug_class = c[1];
    facts.documented = c[2];
    facts.certain = c[4] == "yes";
    facts.buffer_fix = c[7];
    facts.fix_kind = c[8];
    facts.silent = c[2] == "-";
    if (c[9] != "-") facts.alternatives = Split(c[9], '|');
    all[facts.name] = facts;
  }
  return all;
}

std::vector<Mark> ReadMarks(const std::string& directory, const std::string& kernel) {
  static const std::regex kFix("// fix: ([a-z_:]+)(?: ([0-9]+))?");
  const std::string file = directory + "/" + FileName(kernel) + ".cc";
  std::ifstream in(file);
  std::vector<Mark> marks;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.find("namespace fixed {") != std::string::npos) break;
    std::smatch match;
    if (!std::regex_search(line, match, kFix)) continue;
    marks.push_back({file, number, match[1].str(), match[2].matched ? std::stoi(match[2]) : 0});
  }
  return marks;
}

std::string Text(const BlockedSet& set) {
  std::string text;
  for (const auto& [kind, count] : set) {
    text += (text.empty() ? "" : ";") + kind + (count == 1 ? "" : "*" + std::to_string(count));
  }
  return text.empty() ? "-" : text;
}

}  // namespace stranded::corpus
