// stranded gate FILE...: the CI leak gate.
#include "stranded/gate.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "cli/commands/command.h"
#include "cli/commands/file_lock.h"
#include "cli/commands/gate_dumps.h"
#include "cli/commands/plant_leak.h"
#include "cli/manual/choices.h"
#include "cli/manual/help.h"
#include "stranded/report.h"

namespace stranded::cli {
namespace {

struct GateOptions {
  InputOptions input;
  OutputOptions output;
  std::string baseline, suppressions, reason = "known when the baseline was made";
  std::string fail_on = "new", expires;
  bool create = false, update = false, prune = false, strict = false, self_test = false;
};

int Fail(const absl::Status& status, Exit code) {
  std::fprintf(stderr, "stranded: %s\n", std::string(status.message()).c_str());
  return code;
}

struct Tally {
  std::size_t found = 0, suppressed = 0, known = 0, expired = 0;
  std::vector<Finding> fresh, all;  // all: not suppressed
};

Tally Sort(const std::vector<Finding>& findings, std::vector<Suppression>& suppressions,
           Baseline& baseline) {
  Tally tally;
  for (const Finding& f : findings) {
    ++tally.found;
    bool suppressed = false;
    for (Suppression& s : suppressions) {
      if (!s.Matches(f)) continue;
      ++s.hits;
      suppressed = true;
      break;
    }
    if (suppressed) {
      ++tally.suppressed;
      continue;
    }
    tally.all.push_back(f);
    BaselineEntry* entry = baseline.Find(f.fingerprint());
    if (entry != nullptr) entry->seen = true;
    const bool expired = entry != nullptr && entry->Expired(Today());
    tally.expired += expired;
    if (entry != nullptr && !expired) {
      ++tally.known;
    } else {
      tally.fresh.push_back(f);
    }
  }
  return tally;
}

// With --rule, entries of other rules cannot be seen: nothing is known about them.
bool Asked(const GateOptions& o, const std::string& rule) {
  return o.input.rules.empty() || std::ranges::find(o.input.rules, rule) != o.input.rules.end();
}

// How many entries say nothing any more.
std::size_t PrintUnused(const GateOptions& o, const std::vector<Suppression>& suppressions,
                        const Baseline& baseline) {
  std::size_t useless = 0;
  for (const Suppression& s : suppressions) {
    if (s.hits == 0 && o.input.rules.empty()) {
      ++useless;
      std::fprintf(stderr, "stranded: unused suppression at %s:%d (%s)\n", o.suppressions.c_str(),
                   s.line, s.reason.c_str());
    }
  }
  for (const BaselineEntry& e : baseline.entries) {
    if (!Asked(o, e.rule)) continue;
    if (e.Expired(Today())) {
      ++useless;
      std::fprintf(stderr, "stranded: baseline entry %s (%s: %s) expired on %s\n",
                   e.fingerprint.c_str(), e.rule.c_str(), e.title.c_str(), e.expires.c_str());
    } else if (!e.seen) {
      ++useless;
      std::fprintf(stderr,
                   "stranded: stale baseline entry %s (%s: %s); --prune-baseline removes it\n",
                   e.fingerprint.c_str(), e.rule.c_str(), e.title.c_str());
    }
  }
  return useless;
}

int ChangeBaseline(const GateOptions& o, const Tally& tally, Baseline& baseline) {
  const std::size_t before = baseline.entries.size();
  if (o.create) baseline.entries.clear();
  if (o.create || o.update) AddToBaseline(tally.all, Today(), o.reason, o.expires, baseline);
  if (o.prune) {
    std::erase_if(baseline.entries,
                  [&](const BaselineEntry& e) { return !e.seen && Asked(o, e.rule); });
  }
  if (absl::Status written = WriteBaseline(o.baseline, baseline); !written.ok()) {
    return Fail(written, kInternal);
  }
  std::printf("stranded: baseline %s: %zu %s before, %zu now\n", o.baseline.c_str(), before,
              before == 1 ? "entry" : "entries", baseline.entries.size());
  return kClean;
}

// What is not counted as a finding.
std::string Besides(const AnalysisSummary& summary) {
  std::string text;
  if (summary.hidden > 0) {
    absl::StrAppend(&text, ", ", summary.hidden, " left out by --rule or --ignore");
  }
  if (summary.expected > 0) {
    absl::StrAppend(&text, "; ", summary.expected, summary.expected == 1 ? " task" : " tasks",
                    " stranded as tests expect");
  }
  return text;
}

void PrintLosses(const Analysis& merged) {
  for (const std::string& loss : merged.summary.losses) {
    std::fprintf(stderr, "stranded: missing: %s\n", loss.c_str());
  }
}

// The findings that count, as the output options want them.
Exit PrintCounted(const Analysis& merged, const std::vector<Finding>& counted,
                  OutputOptions& output) {
  Analysis shown = merged;
  shown.findings = counted;
  shown.summary.stranded = StrandedIn(counted);
  // Annotations come by themselves on GitHub, beside the text.
  const char* on_github = std::getenv("GITHUB_ACTIONS");
  if (output.formats.empty() && on_github != nullptr && std::string(on_github) == "true") {
    output.formats = {"text", "github:-"};
  }
  // "Nothing is stranded" would be wrong beside known findings: the verdict below is enough.
  if (counted.empty()) std::erase(output.formats, "text");
  return counted.empty() && output.formats.empty() ? kClean : PrintReport(shown, output);
}

int Judge(const GateOptions& o, const GateDumps& dumps, const Tally& tally, std::size_t useless) {
  const std::vector<Finding>& counted = o.fail_on == "all" ? tally.all : tally.fresh;
  OutputOptions output = o.output;
  output.source_root = o.input.source_root;
  output.absolute_paths = o.input.absolute_paths;
  const Exit printed = PrintCounted(dumps.merged, counted, output);
  if (printed == kUsage) return kUsage;
  const bool strict = o.strict && useless > 0;
  const bool fails = (!counted.empty() && o.fail_on != "never") || strict;
  const char* verdict = fails ? "FAILED" : dumps.partly_unread ? "CANNOT TELL" : "passed";
  std::fprintf(StdoutIsData(output) ? stderr : stdout,
               "stranded gate %s: %zu %s, %zu new, %zu in the baseline, %zu suppressed%s\n",
               verdict, tally.found, tally.found == 1 ? "finding" : "findings", tally.fresh.size(),
               tally.known, tally.suppressed, Besides(dumps.merged.summary).c_str());
  if (strict) {
    std::fprintf(stderr, "stranded: --strict-baseline: %zu stale, expired or unused %s\n", useless,
                 useless == 1 ? "entry" : "entries");
  }
  if (dumps.partly_unread) PrintLosses(dumps.merged);
  if (fails) return kFindings;
  return dumps.partly_unread ? kInput : printed;
}

int ChangeBaselineIfWhole(const GateOptions& o, const GateDumps& dumps, const Tally& tally,
                          Baseline& baseline) {
  if (!dumps.partly_unread) return ChangeBaseline(o, tally, baseline);
  PrintLosses(dumps.merged);
  return Fail(absl::DataLossError(absl::StrCat("part of the dumps is lost, so the baseline ",
                                               o.baseline, " is left as it is")),
              kInput);
}

// A file that is something else is not to be replaced: a slip of the pen.
absl::Status IsNoOtherFile(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error) ||
      std::filesystem::file_size(path, error) == 0) {
    return absl::OkStatus();
  }
  const absl::Status read = ReadBaseline(path).status();
  if (!absl::IsInvalidArgument(read))
    return absl::OkStatus();  // writing it may fail, with a reason
  return absl::InvalidArgumentError(
      absl::StrCat("'", path, "' is there and is no Stranded baseline: it is not replaced"));
}

bool ChangesBaseline(const GateOptions& o) { return o.create || o.update || o.prune; }

// What is wrong with the command whatever the dumps say.
int CheckCommand(const GateOptions& o) {
  if (const std::string why =
          WhyNotSo(o.output, o.input.files,
                   {{"baseline", o.baseline}, {"suppressions file", o.suppressions}});
      !why.empty()) {
    return Fail(absl::InvalidArgumentError(why), kUsage);
  }
  if (o.create) {
    if (const absl::Status free = IsNoOtherFile(o.baseline); !free.ok()) return Fail(free, kUsage);
  }
  return kClean;
}

int Gate(const GateOptions& o) {
  if (const int wrong = CheckCommand(o); wrong != kClean) return wrong;
  std::vector<Suppression> suppressions;
  Baseline baseline;
  if (!o.suppressions.empty()) {
    auto read = ReadSuppressions(o.suppressions);
    if (!read.ok()) return Fail(read.status(), kInput);
    suppressions = *std::move(read);
  }
  const GateDumps dumps = LoadForGate(o.input);
  if (dumps.readable == 0) return kInput;
  // Not while dumps are read: others wait for it.
  const FileLock lock(ChangesBaseline(o) ? o.baseline : "");
  if (!o.baseline.empty() && !o.create) {
    auto read = ReadBaseline(o.baseline);
    if (!read.ok()) return Fail(read.status(), kInput);
    baseline = *std::move(read);
  }
  const Tally tally = Sort(dumps.merged.findings, suppressions, baseline);
  if (ChangesBaseline(o)) return ChangeBaselineIfWhole(o, dumps, tally, baseline);
  return Judge(o, dumps, tally, PrintUnused(o, suppressions, baseline));
}

// A gate that nobody has seen fail may be one that cannot.
int SelfTest(GateOptions o) {
  char name[] = "/tmp/stranded-XXXXXX";
  if (mkdtemp(name) == nullptr) return Fail(absl::InternalError("no directory in /tmp"), kInternal);
  const std::string dump = absl::StrCat(name, "/planted.strd");
  const absl::Status planted = PlantLeak(dump);
  o.input.files = {dump};
  o.baseline.clear();
  o.suppressions.clear();
  const int code = planted.ok() ? Gate(o) : Fail(planted, kInternal);
  std::remove(dump.c_str());
  rmdir(name);
  std::puts(
      code == kFindings
          ? "stranded gate --self-test: the planted leak was caught; exit 1 is as it should be"
          : "stranded gate --self-test: the planted leak was NOT caught");
  return code;
}

}  // namespace

void AddGate(CLI::App& app, int& exit_code) {
  auto* cmd =
      app.add_subcommand("gate", "Fail (exit 1) when a dump has findings that are not known");
  auto o = std::make_shared<GateOptions>();
  AddInputOptions(*cmd, o->input, true);
  AddOutputOptions(*cmd, o->output);
  auto* baseline =
      cmd->add_option("--baseline", o->baseline, "Known findings, by fingerprint (JSON)")
          ->option_text("FILE");
  cmd->add_option("--suppressions", o->suppressions,
                  "Lines rule=GLOB function=GLOB file=GLOB reason=\"...\"")
      ->option_text("FILE");
  auto* create =
      cmd->add_flag("--create-baseline", o->create, "Write the baseline anew from these dumps");
  auto* update = cmd->add_flag("--update-baseline", o->update,
                               "Add what is new to the baseline, renew what has expired");
  auto* prune =
      cmd->add_flag("--prune-baseline", o->prune, "Remove entries that no dump has any more");
  auto* reason = cmd->add_option("--reason", o->reason, "Reason noted with entries that are added")
                     ->option_text("TEXT");
  auto* expires =
      cmd->add_option("--expires", o->expires,
                      "YYYY-MM-DD: entries that are added are known until then")
          ->option_text("DATE")
          ->check([](const std::string& text) {
            if (!IsDate(text)) return "'" + text + "' is not a date as 2027-01-31";
            return text > Today() ? "" : "'" + text + "' is over; entries need a date to come";
          });
  OneOf(cmd->add_option(
            "--fail-on", o->fail_on,
            "new (default: neither known nor suppressed), all (also known ones) or never"),
        "WHICH", {"new", "all", "never"});
  cmd->add_flag("--strict-baseline", o->strict,
                "Fail on stale or expired entries and unused suppressions, too");
  auto* self_test = cmd->add_flag("--self-test", o->self_test,
                                  "Plant a leak and look for it: must end with exit 1");
  cmd->get_option("FILE")->required(false);
  for (auto* flag : {create, update, prune}) flag->needs(baseline);
  create->excludes(update)->excludes(prune);
  update->excludes(prune);
  // They judge nothing: a report beside them would be of what was new a moment ago.
  for (const char* other : {"--format", "--output", "--fail-on", "--strict-baseline"}) {
    for (auto* flag : {create, update, prune}) flag->excludes(cmd->get_option(other));
  }
  for (CLI::Option* option : cmd->get_options([&](const CLI::Option* option) {
         return option->check_lname("baseline") || option->check_lname("suppressions") ||
                option == create || option == update || option == prune ||
                option->check_lname("reason") || option->check_lname("expires");
       })) {
    option->group("What is known");
  }
  SetExamples(
      *cmd,
      {{"stranded gate --baseline known.json *.strd", "fails on what is not in the baseline"},
       {"stranded gate --baseline known.json --create-baseline --reason 'since v1' *.strd",
        "takes everything that is there as known"},
       {"stranded gate --baseline known.json --update-baseline --expires 2027-06-30 *.strd",
        "adds what is new, until a date"},
       {"stranded gate --format sarif:leaks.sarif --format junit:leaks.xml *.strd",
        "reports for a CI server beside the verdict"},
       {"stranded gate --self-test", "shows that the gate can fail: ends with exit 1"}},
      "Exit codes: 0 passed, 1 failed, 2 usage, 3 an input is missing, unreadable or partly "
      "lost, 4 a report could not be written.");
  cmd->callback([=, &exit_code] {
    if (self_test->count() > 0) {
      exit_code = SelfTest(*o);
    } else if (o->input.files.empty()) {
      throw CLI::RequiredError("FILE");
    } else if (!o->create && !o->update && (reason->count() > 0 || expires->count() > 0)) {
      throw CLI::RequiresError(reason->count() > 0 ? "--reason" : "--expires",
                               "--create-baseline or --update-baseline");
    } else {
      exit_code = Gate(*o);
    }
  });
}

}  // namespace stranded::cli
