// stranded_corpus [--check] [--fixes] [--markdown] [--part I/N] [NAME...]: real bugs against the
// explorer.
//
// Prints one line a bug; with --check also which bars are not met, and then ends with 1.
// With --part only every Nth bug, so that several processes share them.
#include <cstdio>
#include <cstring>
#include <regex>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/corpus/examine.h"

namespace stranded::corpus {

std::vector<Kernel>& Kernels() {
  static auto& kernels = *new std::vector<Kernel>;
  return kernels;
}

namespace {

std::string Found(int median, int worst) {
  return median == 0 ? "-" : absl::StrCat(median, "/", worst);
}

std::string FixText(const Facts& facts, const Measured& m) {
  if (facts.silent) return "-";
  std::string text = m.verified ? m.top_kind : "none";
  if (m.top_capacity > 0) absl::StrAppend(&text, " ", m.top_capacity);
  return text;
}

// The finding's title, without the numbers of tasks.
std::string Cause(const Facts& facts, const Measured& m) {
  static const std::regex kTask("task [0-9]+(?: \"[^\"]*\")?");
  return facts.silent ? "-" : std::regex_replace(m.cause, kTask, "a task");
}

void PrintHead(bool markdown) {
  if (markdown) {
    std::puts(
        "| bug | class | pct | random | exhaustive | blocked | documented | rule | verdict | cause "
        "| fix found | real fix | verified | twin | s "
        "|\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    return;
  }
  std::printf("%-24s %-26s %-7s %-7s %-6s %-40s %-3s %-17s %-9s %-18s %-22s %-4s %-4s %-6s %s\n",
              "bug", "class", "pct", "random", "exh.", "blocked", "set", "rule", "verdict",
              "fix found", "real fix", "ver.", "twin", "s", "cause");
}

void PrintRow(const Facts& f, const Measured& m, bool markdown) {
  const char* set = f.silent ? "-" : m.set_matches ? "yes" : "NO";
  const char* verified = f.silent ? "-" : m.verified ? "yes" : "no";
  const std::string blocked = Text(m.blocked);
  if (markdown) {
    std::printf("| %s | %s | %s | %s | %d | %s | %s | %s | %s | %s | %s | %s | %s | %zu | %.2f |\n",
                f.name.c_str(), f.bug_class.c_str(), Found(m.pct, m.pct_worst).c_str(),
                Found(m.random, m.random_worst).c_str(), m.exhaustive, blocked.c_str(), set,
                m.rule.c_str(), m.verdict.c_str(), Cause(f, m).c_str(), FixText(f, m).c_str(),
                f.fix_kind.c_str(), verified, m.twin_findings, m.seconds);
  } else {
    std::printf(
        "%-24s %-26s %-7s %-7s %-6d %-40s %-3s %-17s %-9s %-18s %-22s %-4s %-4zu %-6.2f %s\n",
        f.name.c_str(), f.bug_class.c_str(), Found(m.pct, m.pct_worst).c_str(),
        Found(m.random, m.random_worst).c_str(), m.exhaustive, blocked.c_str(), set, m.rule.c_str(),
        m.verdict.c_str(), FixText(f, m).c_str(), f.fix_kind.c_str(), verified, m.twin_findings,
        m.seconds, Cause(f, m).c_str());
  }
  std::fflush(stdout);
}

struct Part {
  std::size_t index = 1, of = 1;
  bool Has(std::size_t bug) const { return bug % of == index - 1; }
};

bool ParsePart(const char* text, Part* part) {
  return std::sscanf(text, "%zu/%zu", &part->index, &part->of) == 2 && part->index >= 1 &&
         part->index <= part->of;
}

int Main(int argc, char** argv) {
  bool check = false, markdown = false, show_fixes = false;
  Part part;
  std::set<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--part") == 0) {
      if (++i == argc || !ParsePart(argv[i], &part)) {
        std::fputs("--part needs I/N, as 1/2\n", stderr);
        return 2;
      }
    } else if (std::strcmp(argv[i], "--check") == 0) {
      check = true;
    } else if (std::strcmp(argv[i], "--markdown") == 0) {
      markdown = true;
    } else if (std::strcmp(argv[i], "--fixes") == 0) {
      show_fixes = true;
    } else {
      wanted.insert(argv[i]);
    }
  }
  const auto facts = ReadFacts("tests/corpus/corpus.tsv");
  PrintHead(markdown);
  std::size_t number = 0, bugs = 0, failed = 0;
  std::vector<std::string> failures;
  for (const auto& [name, known] : facts) {
    if (!wanted.empty() && !wanted.contains(name)) continue;
    if (!part.Has(number++)) continue;
    const Kernel* kernel = nullptr;
    for (const Kernel& k : Kernels()) {
      if (k.name == name) kernel = &k;
    }
    if (kernel == nullptr) {
      failures.push_back(name + ": no kernel of this name");
      continue;
    }
    const auto marks = ReadMarks("tests/corpus/kernels", name);
    const Measured m = Examine(*kernel, known, marks);
    ++bugs;
    PrintRow(known, m, markdown);
    if (show_fixes) std::fputs(m.fixes.ToText().c_str(), stdout);
    if (show_fixes && !m.twin_report.empty()) std::puts(m.twin_report.c_str());
    for (const std::string& f : m.failures) failures.push_back(name + ": " + f);
    failed += !m.failures.empty();
  }
  std::printf("\n%zu bugs, %zu meet all bars\n", bugs, bugs - failed);
  if (!check) return 0;
  for (const std::string& f : failures) std::printf("FAIL %s\n", f.c_str());
  return failures.empty() ? 0 : 1;
}

}  // namespace
}  // namespace stranded::corpus

int main(int argc, char** argv) { return stranded::corpus::Main(argc, argv); }
