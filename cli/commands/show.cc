// stranded show FILE WHAT: one task, channel or finding.
#include <cstdlib>

#include "cli/commands/command.h"
#include "stranded/report.h"

namespace stranded::cli {
namespace {

std::string Find(const Analysis& analysis, const std::string& what, bool color) {
  const std::size_t colon = what.find(':');
  const std::string kind = colon == std::string::npos ? "task" : what.substr(0, colon);
  const std::string rest = colon == std::string::npos ? what : what.substr(colon + 1);
  if (kind == "s1") {
    for (const Finding& f : analysis.findings) {
      TextOptions options;
      options.color = color;
      if (f.fingerprint() == what) return TextFinding(f, options);
    }
    return "";
  }
  char* end = nullptr;
  const auto id = std::strtoull(rest.c_str(), &end, 10);
  if (rest.empty() || *end != '\0') return "";
  return kind == "channel" ? ShowChannel(analysis, id)
         : kind == "task"  ? ShowTask(analysis, id)
                           : "";
}

}  // namespace

void AddShow(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("show", "Show one task, channel or finding in full");
  auto input = std::make_shared<InputOptions>();
  auto what = std::make_shared<std::string>();
  AddInputOptions(*cmd, *input, false);
  AddLiveOption(*cmd, *input);
  cmd->add_option("WHAT", *what, "task:ID (or just ID), channel:ID, or a finding's id (s1:...)")
      ->required();
  cmd->callback([=, &exit_code] {
    if (!ResolveLive(*input, exit_code)) return;
    exit_code = kInput;
    const auto analysis = Load(input->file, *input);
    if (analysis == nullptr) return;
    const std::string text = Find(*analysis, *what, UseColor("auto"));
    if (text.empty()) {
      std::fprintf(stderr,
                   "stranded: nothing called '%s' in %s; accepted: task:ID, channel:ID, s1:... "
                   "(see `stranded tasks` and `stranded report`)\n",
                   what->c_str(), input->file.c_str());
      exit_code = kUsage;
      return;
    }
    std::fputs(text.c_str(), stdout);
    exit_code = kClean;
  });
}

}  // namespace stranded::cli
