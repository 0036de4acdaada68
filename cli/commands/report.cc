// stranded report FILE: what is stranded in a dump.
#include <algorithm>
#include <array>

#include "cli/commands/command.h"
#include "cli/manual/help.h"
#include "cli/terminal/terminal.h"

namespace stranded::cli {
namespace {

int ReportOne(const Analysis& analysis, const OutputOptions& output) {
  const Exit printed = PrintReport(analysis, output);
  if (printed != kClean) return printed;
  // What was found is there, whatever else was lost.
  if (!analysis.findings.empty()) return kFindings;
  return PartlyLost(analysis) ? kInput : kClean;
}

// Of several dumps: a finding says more than that something was lost.
int Worse(int a, int b) {
  constexpr std::array<int, 5> kOrder = {kClean, kInput, kFindings, kUsage, kInternal};
  return *std::max(std::ranges::find(kOrder, a), std::ranges::find(kOrder, b));
}

// Why this cannot be done whatever the dumps say; or empty.
std::string WhyNot(const InputOptions& input, const OutputOptions& output, bool series) {
  if (!series && input.files.size() > 1) {
    if (std::string why = WhyNotSeveral(output); !why.empty()) return why;
  }
  return WhyNotSo(output, input.files);
}

}  // namespace

void AddReport(CLI::App& app, int& exit_code) {
  auto* cmd =
      app.add_subcommand("report", "Say what is stranded in a dump, why, and how to fix it");
  auto input = std::make_shared<InputOptions>();
  auto output = std::make_shared<OutputOptions>();
  auto series = std::make_shared<bool>(false);
  AddInputOptions(*cmd, *input, true);
  cmd->add_flag(
      "--series", *series,
      "The files are Go dumps of one program, oldest first: report the last, and how many "
      "goroutines were at each place in those before");
  AddLiveOption(*cmd, *input);
  AddOutputOptions(*cmd, *output);
  SetExamples(*cmd, {{"stranded report dump.strd", "findings with evidence and fixes"},
                     {"stranded report --rule cancelled-send --no-stacks dump.strd",
                      "only one rule, without stacks"},
                     {"stranded report --format text --format sarif:out.sarif dump.strd",
                      "text here, SARIF in a file"},
                     {"curl -s localhost:6060/debug/pprof/goroutine?debug=2 | stranded report -",
                      "a Go program that runs"}});
  cmd->callback([=, &exit_code] {
    if (!ResolveLive(*input, exit_code)) return;
    exit_code = kClean;
    output->source_root = input->source_root;
    output->absolute_paths = input->absolute_paths;
    if (const std::string why = WhyNot(*input, *output, *series); !why.empty()) {
      std::fprintf(stderr, "stranded report: %s\n", why.c_str());
      exit_code = kUsage;
      return;
    }
    if (*series) {
      const auto analysis = LoadGoSeries(*input);
      exit_code = analysis == nullptr ? kInput : ReportOne(*analysis, *output);
      return;
    }
    bool unreadable = false;
    for (std::size_t i = 0; i < input->files.size(); ++i) {
      const std::string& file = input->files[i];
      const auto analysis = Load(file, *input);
      unreadable |= analysis == nullptr;
      if (analysis == nullptr) continue;
      if (input->live) analysis->summary.typed_as = FileArgument(*input, i);
      if (input->files.size() > 1) Print(PartHead(*output, file));
      exit_code = Worse(exit_code, ReportOne(*analysis, *output));
    }
    if (unreadable) exit_code = Worse(exit_code, kInput);
  });
}

}  // namespace stranded::cli
