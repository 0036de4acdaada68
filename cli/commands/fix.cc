// stranded fix -- CMD: explore, try fixes as virtual patches, print and apply what is verified.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/commands/apply_diff.h"
#include "cli/commands/child.h"
#include "cli/commands/command.h"
#include "cli/commands/search_options.h"
#include "cli/manual/amounts.h"
#include "cli/manual/choices.h"
#include "cli/manual/help.h"
#include "stranded/options.h"
#include "stranded/verify.h"

namespace stranded::cli {
namespace {

struct FixFlags {
  SearchOptions search;
  int verify = 1000;
  bool apply = false, all = false;
  std::string filter, root = ".", format = "text";
  std::filesystem::file_time_type begun = std::filesystem::file_time_type::clock::now();
};

ExploreRequest Request(const SearchOptions& search, const std::string& test,
                       const std::string& root) {
  ExploreRequest request;
  request.command = search.command;
  request.tests = test;
  request.options = SearchText(search);
  if (root != ".") {  // the program makes the diffs
    absl::StrAppend(&request.options,
                    ":source_root=", OptionValue(std::filesystem::absolute(root).string()));
  }
  return request;
}

// A program without tests has one body, whose name is no filter.
std::string FilterFor(const ExploreResult& result) { return result.is_test ? result.name : ""; }

ExploreResult Again(const FixFlags& o, const std::string& test, const std::string& patches,
                    const std::string& replay) {
  SearchOptions search = o.search;
  search.policy = "pct";
  search.patch = patches;
  search.first = false;
  search.seed += 1000000;  // other schedules than those of the search
  search.schedules = o.verify + 1;
  ExploreRequest request = Request(search, test, o.root);
  if (!replay.empty()) absl::StrAppend(&request.options, ":replay=", replay);
  request.other_tests = false;
  auto reply = RunExploring(request);
  if (reply.ok() && reply->ends.empty() && reply->results.size() == 1) return reply->results[0];
  // With this patch the program does not come to its end: that refutes it.
  ExploreResult broken;
  ExploreOutcome outcome;
  outcome.count = 1;
  outcome.failure = !reply.ok()           ? std::string(reply.status().message())
                    : reply->ends.empty() ? "the program explored something else"
                                          : HowItEnded(reply->ends[0]);
  broken.outcomes.push_back(outcome);
  broken.first_bad = 0;
  broken.schedules = 1;
  return broken;
}

// A report without the diffs of fixes that nobody has tried: whoever applies the output wants those
// that are proven, once. An empty line stands before and behind a diff.
std::string WithoutDiffs(const std::string& report) {
  std::string out;
  bool diff = false;
  const std::vector<std::string> lines = absl::StrSplit(report, '\n');
  for (const std::string& line : lines) {
    const bool last = diff && line.empty();
    const bool begins = line.starts_with("--- a/");
    if (begins && out.ends_with("\n\n")) out.pop_back();
    diff = begins || (diff && !line.empty());
    if (!diff && !last) absl::StrAppend(&out, line, "\n");
  }
  out.pop_back();  // of the last, empty piece
  return out;
}

std::filesystem::path SourceOf(const Fix& fix, const FixFlags& o) {
  return std::filesystem::path(o.root) / fix.site.file;
}

bool IsProgram(const std::string& file) {
  char magic[4] = {};
  std::ifstream(file, std::ios::binary).read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "\177ELF";
}

// The source is newer than the program, by another hand than this program's: its lines may be
// others by now. A script or the like tells nothing of when the program was built.
bool ChangedSinceBuilt(const Fix& fix, const FixFlags& o) {
  std::error_code error;
  const std::string& program = o.search.command[0];
  if (!IsProgram(program)) return false;
  const auto built = std::filesystem::last_write_time(program, error);
  if (error) return false;
  const auto changed = std::filesystem::last_write_time(SourceOf(fix, o), error);
  return !error && changed > built && changed < o.begun;
}

// Why there is no diff, as far as that shows from here.
std::string WhyNoDiff(const Fix& fix, const FixFlags& o) {
  constexpr char kNotShown[] = "the edit depends on code that the recorded facts do not show";
  std::error_code error;
  const std::string& file = fix.site.file;
  if (file.empty()) return kNotShown;
  if (!std::filesystem::exists(SourceOf(fix, o), error)) {
    if (o.root != ".") return absl::StrCat(file, " was not found below ", o.root);
    // The program may have found it, by the path that it was compiled from.
    return absl::StrCat(file, " is not below this folder (--root says where it is), or ",
                        kNotShown);
  }
  if (ChangedSinceBuilt(fix, o)) {
    return absl::StrCat(file,
                        " is newer than the program, and may have the edit already: build the ",
                        "program again");
  }
  return kNotShown;
}

void PrintFix(const Fix& fix, const FixFlags& o, std::set<std::string>& printed) {
  std::printf("\n%s\n  %s\n", fix.summary.c_str(), fix.reason.c_str());
  for (const std::string& w : fix.warnings) std::printf("  check: %s\n", w.c_str());
  if (printed.contains(fix.diff)) {
    std::printf("  The diff stands above: another test needs the same.\n");
  } else if (!fix.diff.empty()) {
    if (ChangedSinceBuilt(fix, o)) {
      std::printf("  check: %s is newer than the program: is this still its line?\n",
                  fix.site.file.c_str());
    }
    std::printf("\n%s", fix.diff.c_str());
    printed.insert(fix.diff);
  } else {
    std::printf("  No diff: %s.\n", WhyNoDiff(fix, o).c_str());
  }
}

void PrintChosen(const FixSearch& search, const FixFlags& o, std::set<std::string>& printed) {
  for (const Fix& fix : search.chosen) PrintFix(fix, o, printed);
  if (!search.appliable.has_value()) return;
  std::printf("\nOr this one, verified as well, whose edit is certain:\n");
  PrintFix(*search.appliable, o, printed);
}

// True if there is anything.
bool PrintLookFirst(const FixSearch& search) {
  const auto first = search.LookFirst();
  if (first.empty()) return false;
  std::printf("\nLook first at this, which cannot be tried:\n");
  for (const FixTrial* trial : first) {
    std::printf("\n%s\n  %s\n", trial->fix.summary.c_str(), trial->fix.reason.c_str());
  }
  return true;
}

// The edits of all tests. Two tests may need the same one, or room for the same channel.
class Edits {
 public:
  // What makes a test fail that is none of those it was found for. (Where it is only not enough for
  // another test, it is no worse than before.)
  void NoteRefuted(const FixSearch& search) {
    for (const FixTrial& trial : search.trials) {
      if (trial.status != FixStatus::kRefuted || !trial.test_fails) continue;
      if (!trial.fix.patch.empty()) {
        refuted_[trial.fix.patch] = search.before.name;
      }
    }
  }
  // True if there is an edit for all that is needed.
  bool Add(const FixSearch& search, const std::string& root, std::FILE* out) {
    bool all = true;
    const std::vector<Fix> fixes =
        search.appliable.has_value() ? std::vector{*search.appliable} : search.chosen;
    for (const Fix& fix : fixes) {
      if (fix.diff.empty()) {
        std::fprintf(out, "not applied (no diff): %s\n", fix.summary.c_str());
        all = false;
        continue;
      }
      AddOne(fix, root);
    }
    return all;
  }
  // True if all could be made.
  bool Make(std::FILE* out) const {
    bool all = true;
    EditedLines edited;
    for (const auto& [fix, root] : wanted_) {
      if (const auto other = refuted_.find(fix.patch); other != refuted_.end()) {
        std::fprintf(out, "not applied: %s refutes it: %s\n", other->second.c_str(),
                     fix.summary.c_str());
        all = false;
        continue;
      }
      const auto file = ApplyDiff(fix.diff, root, edited);
      if (file.ok()) {
        std::fprintf(out, "applied: %s\n", file->c_str());
      } else {
        std::fprintf(out, "not applied: %s\n", std::string(file.status().message()).c_str());
        all = false;
      }
    }
    return all;
  }

 private:
  void AddOne(const Fix& fix, const std::string& root) {
    for (auto& [known, known_root] : wanted_) {
      if (known.diff == fix.diff) return;
      const bool same_channel = known.kind == FixKind::kRaiseCapacity && fix.kind == known.kind &&
                                known.site.file == fix.site.file &&
                                known.site.line == fix.site.line;
      if (!same_channel) continue;
      if (fix.capacity > known.capacity) known = fix;  // the largest need of all tests
      return;
    }
    wanted_.emplace_back(fix, root);
  }

  std::vector<std::pair<Fix, std::string>> wanted_;
  std::map<std::string, std::string> refuted_;  // patch -> test
};

FixSearch SearchFor(const FixFlags& o, const ExploreResult& before, const std::string& test) {
  FixSearch search =
      SearchFixes(before, [&](const std::string& patches, const std::string& replay) {
        return Again(o, test, patches, replay);
      });
  // What is chosen has no diff perhaps because it is there already: then no other one on top of it.
  const bool changed =
      std::any_of(search.trials.begin(), search.trials.end(),
                  [&](const FixTrial& trial) { return ChangedSinceBuilt(trial.fix, o); });
  if (changed || !IsProgram(o.search.command[0])) search.appliable.reset();
  return search;
}

// Diffs of the tests so far.
struct Diffs {
  std::set<std::string> printed;
  Edits edits;
};

bool FixTestAsJson(const FixFlags& o, const ExploreResult& before, const std::string& test,
                   Diffs& diffs) {
  const FixSearch search = SearchFor(o, before, test);
  diffs.edits.NoteRefuted(search);
  std::fputs(search.ToJson().c_str(), stdout);
  return search.was_clean ||
         (search.verified && o.apply && diffs.edits.Add(search, o.root, stderr));
}

// True if nothing is left to do for this test.
bool FixTest(const FixFlags& o, const ExploreResult& before, const std::string& test,
             Diffs& diffs) {
  if (o.format == "json") return FixTestAsJson(o, before, test, diffs);
  if (before.clean()) {
    std::printf("%s: nothing is stranded in %d schedules\n", before.name.c_str(), before.schedules);
    return true;
  }
  std::fputs(WithoutDiffs(before.ToText()).c_str(), stdout);
  const bool strands = std::any_of(before.outcomes.begin(), before.outcomes.end(),
                                   [](const ExploreOutcome& end) { return !end.report.clean(); });
  if (!strands) {
    std::printf("\nNo task is stranded: there is no fix to try.\n");
    return false;
  }
  std::printf("\nTrying fixes, %d schedules each, the failing one first:\n", o.verify + 1);
  std::fflush(stdout);
  const FixSearch search = SearchFor(o, before, test);
  diffs.edits.NoteRefuted(search);
  std::fputs(search.ToText().c_str(), stdout);
  if (!search.verified) {
    std::printf("\nNo fix could be verified.\n");
    return false;
  }
  const bool ends_waits_only = PrintLookFirst(search);
  std::printf("\nVerified%s%s:\n", search.chosen.size() > 1 ? ", together" : "",
              ends_waits_only ? ", though it only ends the waiting" : "");
  PrintChosen(search, o, diffs.printed);
  return o.apply && diffs.edits.Add(search, o.root, stdout);
}

// The diffs begin where the program found its sources, unless the user says where.
FixFlags WithRootOf(const ExploreResult& result, FixFlags o) {
  std::error_code error;
  if (o.root == "." && std::filesystem::is_directory(result.source_root, error)) {
    o.root = result.source_root;
  }
  return o;
}

int Run(const FixFlags& o) {
  const auto reply = RunExploring(Request(o.search, o.filter, o.root));
  if (!reply.ok()) {
    std::fprintf(stderr, "stranded: %s\n", std::string(reply.status().message()).c_str());
    return reply.status().code() == absl::StatusCode::kInvalidArgument ? kUsage : kInput;
  }
  PrintEnds(*reply);
  bool done = reply->ends.empty();
  Diffs diffs;
  for (const ExploreResult& result : reply->results) {
    if (!result.error.ok()) {
      std::fprintf(stderr, "stranded: %s\n", std::string(result.error.message()).c_str());
      return kUsage;
    }
    done &= FixTest(WithRootOf(result, o), result, FilterFor(result), diffs);
  }
  // At the end: a later test may need more room, or refute what an earlier one has verified.
  if (o.apply) done &= diffs.edits.Make(o.format == "json" ? stderr : stdout);
  return done ? kClean : kFindings;
}

}  // namespace

void AddFix(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand(
      "fix", "Find a leak, try fixes at run time, and print those that are proven");
  auto o = std::make_shared<FixFlags>();
  AddSearchOptions(*cmd, o->search);
  AtLeast(
      cmd->add_option("--verify", o->verify, "Schedules that each fix must survive (default 1000)"),
      "N", 1);
  OneOf(cmd->add_option("--format", o->format, "text (default) or json"), "FORMAT",
        {"text", "json"});
  cmd->add_option("--test", o->filter, "Only these tests (a GoogleTest filter)")
      ->option_text("FILTER");
  cmd->add_flag("--apply", o->apply, "Edit the source files");
  cmd->add_option(
         "--root", o->root,
         "Where the paths of the diffs begin (default: the current folder, or the sources' "
         "project if none of them is below it)")
      ->option_text("DIR")
      ->check(CLI::ExistingDirectory);
  SetExamples(
      *cmd,
      {{"stranded fix --first -- ./my_test", "the first leak, and a fix that is proven"},
       {"stranded fix --apply --root .. -- ./my_test", "edits the sources"}},
      "Exit codes: 0 no leak, or --apply has made all edits, 1 a fix that is printed, a leak "
      "without one, a test that fails or a program that died, 2 usage, or a program that "
      "cannot be run, 3 nothing was explored.");
  cmd->callback([=, &exit_code] { exit_code = Run(*o); });
}

}  // namespace stranded::cli
