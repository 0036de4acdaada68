// stranded suppress FILE FINDING: a suppression line, ready to be put into the file.
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "cli/commands/command.h"
#include "cli/manual/help.h"
#include "cli/terminal/terminal.h"
#include "stranded/gate.h"

namespace stranded::cli {

namespace {

int NotFound(const Analysis& analysis, const std::string& file, const std::string& wanted) {
  if (analysis.findings.empty()) {
    std::fprintf(stderr, "stranded: nothing to suppress: no finding in %s%s\n",
                 PartlyLost(analysis) ? "what could be read of " : "", file.c_str());
    return wanted == "all" ? kClean : kUsage;
  }
  std::fprintf(stderr, "stranded: no finding '%s' in %s; accepted: all, finding:N", wanted.c_str(),
               file.c_str());
  for (const Finding& f : analysis.findings) {
    std::fprintf(stderr, ", %s", std::string(f.fingerprint()).c_str());
  }
  std::fprintf(stderr, "\n");
  return kUsage;
}

int Suppress(const Analysis& analysis, const InputOptions& input, const std::string& wanted,
             const std::string& reason) {
  const std::string why = reason.empty() ? "seen on " + Today() + ", not judged yet" : reason;
  bool found = false;
  for (const Finding& f : analysis.findings) {
    const std::string number = absl::StrCat("finding:", &f - analysis.findings.data() + 1);
    if (wanted != "all" && f.fingerprint() != wanted && number != wanted) continue;
    Print(absl::StrCat("# ", f.data().title, "\n", SuppressionFor(f, why), "\n"));
    found = true;
  }
  const Exit whole = CleanUnlessLost(analysis);
  const int code = found ? static_cast<int>(kClean) : NotFound(analysis, input.file, wanted);
  return whole == kClean ? code : whole;
}

}  // namespace

void AddSuppress(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("suppress", "Print a suppression for a finding of a dump");
  auto input = std::make_shared<InputOptions>();
  auto wanted = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  AddInputOptions(*cmd, *input, false);
  AddLiveOption(*cmd, *input);
  cmd->add_option("FINDING", *wanted, "Its id (s1:...), finding:N as report numbers them, or all")
      ->required();
  cmd->add_option("--reason", *reason,
                  "Why it may stay; without one, the entry says when it was made")
      ->option_text("TEXT");
  SetExamples(*cmd, {{"stranded suppress dump.strd s1:553679b0d5be528c >> stranded.supp",
                      "an entry for gate --suppressions"},
                     {"stranded suppress --reason 'ends with the process' dump.strd all",
                      "entries for all findings"}});
  cmd->callback([=, &exit_code] {
    if (!ResolveLive(*input, exit_code)) return;
    const auto analysis = Load(input->file, *input);
    exit_code = kInput;
    if (analysis == nullptr) return;
    exit_code = Suppress(*analysis, *input, *wanted, *reason);
  });
}

}  // namespace stranded::cli
