// stranded report FILE: what is stranded in a dump.
#include "cli/commands/command.h"
#include "cli/manual/help.h"

namespace stranded::cli {
namespace {

int ReportOne(const Analysis& analysis, const OutputOptions& output) {
  if (!PrintReport(analysis, output) || PartlyLost(analysis)) return kInput;
  return analysis.findings.empty() ? kClean : kFindings;
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
    if (*series) {
      const auto analysis = LoadGoSeries(*input);
      exit_code = analysis == nullptr ? kInput : ReportOne(*analysis, *output);
      return;
    }
    if (input->files.size() > 1 && WritesFiles(*output)) {
      std::fprintf(stderr,
                   "stranded: the report of each dump would replace that of the one before; give "
                   "one dump, or no file\n");
      exit_code = kUsage;
      return;
    }
    for (const std::string& file : input->files) {
      const auto analysis = Load(file, *input);
      if (analysis == nullptr) {
        exit_code = kInput;
        continue;
      }
      if (input->files.size() > 1 && !StdoutIsData(*output)) std::printf("== %s\n", file.c_str());
      const int code = ReportOne(*analysis, *output);
      if (exit_code != kInput && code != kClean) exit_code = code;
    }
  });
}

}  // namespace stranded::cli
