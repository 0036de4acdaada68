// stranded gate FILE...: the CI leak gate.
#include "stranded/gate.h"

#include <cstdlib>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "cli/commands/command.h"
#include "stranded/report.h"

namespace stranded::cli {
namespace {

struct GateOptions {
  InputOptions input;
  OutputOptions output;
  std::string baseline, suppressions, reason = "known when the baseline was made";
  bool create = false, update = false, prune = false;
};

std::string Today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

int Fail(const absl::Status& status, Exit code) {
  std::fprintf(stderr, "stranded: %s\n", std::string(status.message()).c_str());
  return code;
}

struct Tally {
  std::size_t found = 0, suppressed = 0, known = 0;
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
    if (BaselineEntry* entry = baseline.Find(f.fingerprint())) {
      entry->seen = true;
      ++tally.known;
    } else {
      tally.fresh.push_back(f);
    }
  }
  return tally;
}

void PrintUnused(const GateOptions& o, const std::vector<Suppression>& suppressions,
                 const Baseline& baseline) {
  for (const Suppression& s : suppressions) {
    if (s.hits == 0) {
      std::fprintf(stderr, "stranded: unused suppression at %s:%d (%s)\n", o.suppressions.c_str(),
                   s.line, s.reason.c_str());
    }
  }
  for (const BaselineEntry& e : baseline.entries) {
    if (!e.seen) {
      std::fprintf(stderr,
                   "stranded: stale baseline entry %s (%s: %s); --prune-baseline removes it\n",
                   e.fingerprint.c_str(), e.rule.c_str(), e.title.c_str());
    }
  }
}

int ChangeBaseline(const GateOptions& o, const Tally& tally, Baseline& baseline) {
  const std::size_t before = baseline.entries.size();
  if (o.create) baseline.entries.clear();
  if (o.create || o.update) AddToBaseline(tally.all, Today(), o.reason, baseline);
  if (o.prune) std::erase_if(baseline.entries, [](const BaselineEntry& e) { return !e.seen; });
  if (absl::Status written = WriteBaseline(o.baseline, baseline); !written.ok()) {
    return Fail(written, kInput);
  }
  std::printf("stranded: baseline %s: %zu entries before, %zu now\n", o.baseline.c_str(), before,
              baseline.entries.size());
  return kClean;
}

int Gate(const GateOptions& o) {
  std::vector<Suppression> suppressions;
  Baseline baseline;
  if (!o.suppressions.empty()) {
    auto read = ReadSuppressions(o.suppressions);
    if (!read.ok()) return Fail(read.status(), absl::IsNotFound(read.status()) ? kInput : kUsage);
    suppressions = *std::move(read);
  }
  if (!o.baseline.empty() && !o.create) {
    auto read = ReadBaseline(o.baseline);
    if (!read.ok()) return Fail(read.status(), kInput);
    baseline = *std::move(read);
  }
  Analysis merged;
  bool lost = false;
  for (const std::string& file : o.input.files) {
    const auto one = Load(file, o.input);
    if (one == nullptr) return kInput;
    lost |= PartlyLost(*one);
    merged.summary.partly_lost = lost;
    merged.summary.program = one->summary.program;
    merged.dump = o.input.files.size() == 1 ? one->dump : nullptr;
    merged.summary.tasks += one->summary.tasks;
    merged.summary.blocked += one->summary.blocked;
    merged.summary.stranded += one->summary.stranded;
    merged.look_again += one->look_again;
    for (const std::string& loss : one->summary.losses) {
      merged.summary.losses.push_back(o.input.files.size() > 1 ? absl::StrCat(file, ": ", loss)
                                                               : loss);
    }
    merged.findings.insert(merged.findings.end(), one->findings.begin(), one->findings.end());
  }
  const Tally tally = Sort(merged.findings, suppressions, baseline);
  if (o.create || o.update || o.prune) return ChangeBaseline(o, tally, baseline);
  PrintUnused(o, suppressions, baseline);
  Analysis shown = merged;
  shown.findings = tally.fresh;
  OutputOptions output = o.output;
  output.source_root = o.input.source_root;
  // Annotations come by themselves on GitHub, beside the text.
  const char* on_github = std::getenv("GITHUB_ACTIONS");
  if (output.formats.empty() && on_github != nullptr && std::string(on_github) == "true") {
    output.formats = {"text", "github:-"};
  }
  const bool written =
      tally.fresh.empty() && o.output.formats.empty() ? true : PrintReport(shown, output);
  const char* verdict = tally.fresh.empty() ? "passed" : "FAILED";
  std::fprintf(StdoutIsData(output) ? stderr : stdout,
               "stranded gate %s: %zu %s, %zu new, %zu in the baseline, %zu suppressed\n", verdict,
               tally.found, tally.found == 1 ? "finding" : "findings", tally.fresh.size(),
               tally.known, tally.suppressed);
  if (!tally.fresh.empty()) return kFindings;
  return lost || !written ? kInput : kClean;
}

}  // namespace

void AddGate(CLI::App& app, int& exit_code) {
  auto* cmd =
      app.add_subcommand("gate", "Fail (exit 1) when a dump has findings that are not known");
  auto o = std::make_shared<GateOptions>();
  AddInputOptions(*cmd, o->input, true);
  AddOutputOptions(*cmd, o->output);
  auto* baseline =
      cmd->add_option("--baseline", o->baseline, "Known findings, by fingerprint (JSON)");
  cmd->add_option("--suppressions", o->suppressions,
                  "Lines rule=GLOB function=GLOB file=GLOB reason=\"...\"");
  auto* create =
      cmd->add_flag("--create-baseline", o->create, "Write the baseline anew from these dumps");
  auto* update = cmd->add_flag("--update-baseline", o->update, "Add what is new to the baseline");
  auto* prune =
      cmd->add_flag("--prune-baseline", o->prune, "Remove entries that no dump has any more");
  cmd->add_option("--reason", o->reason, "Reason noted with entries that are added");
  for (auto* flag : {create, update, prune}) flag->needs(baseline);
  create->excludes(update)->excludes(prune);
  update->excludes(prune);
  cmd->callback([=, &exit_code] { exit_code = Gate(*o); });
}

}  // namespace stranded::cli
