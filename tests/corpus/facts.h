// What is known of each bug: corpus.tsv and the marks in the kernels' sources.
#ifndef STRANDED_TESTS_CORPUS_FACTS_H_
#define STRANDED_TESTS_CORPUS_FACTS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

namespace stranded::corpus {

// How many tasks stay blocked in which way: "chan_send" -> 2, "main:wg_wait" -> 1.
using BlockedSet = std::map<std::string, int>;

struct Facts {
  std::string name, bug_class, documented, fix_kind, buffer_fix;
  std::vector<std::string> alternatives;  // sets, in the notation of corpus.tsv
  bool certain = false;
  bool silent = false;  // nothing may be reported

  // One of the documented sets.
  bool Matches(const BlockedSet& found) const;
};

struct Mark {
  std::string file;
  int line = 0;
  std::string kind;  // of "// fix: KIND" and "// fix: KIND N"
  int capacity = 0;
};

// By name. Ends the program with a message if the file cannot be read.
std::map<std::string, Facts> ReadFacts(const std::string& tsv);
// The "// fix:" marks of the leaking half of a kernel's source.
std::vector<Mark> ReadMarks(const std::string& directory, const std::string& kernel);
std::string Text(const BlockedSet& set);

}  // namespace stranded::corpus

#endif  // STRANDED_TESTS_CORPUS_FACTS_H_
