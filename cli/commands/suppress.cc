// stranded suppress FILE FINDING: a suppression line, ready to be put into the file.
#include <cstdio>

#include "cli/commands/command.h"
#include "cli/manual/help.h"
#include "stranded/gate.h"

namespace stranded::cli {

void AddSuppress(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("suppress", "Print a suppression for a finding of a dump");
  auto input = std::make_shared<InputOptions>();
  auto wanted = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  AddInputOptions(*cmd, *input, false);
  cmd->add_option("FINDING", *wanted, "Its id (s1:...), or all")->required();
  cmd->add_option("--reason", *reason,
                  "Why it may stay; without one, the entry says when it was made")
      ->option_text("TEXT");
  SetExamples(*cmd, {{"stranded suppress dump.strd s1:553679b0d5be528c >> stranded.supp",
                      "an entry for gate --suppressions"},
                     {"stranded suppress --reason 'ends with the process' dump.strd all",
                      "entries for all findings"}});
  cmd->callback([=, &exit_code] {
    const auto analysis = Load(input->file, *input);
    exit_code = analysis == nullptr ? kInput : kUsage;
    if (analysis == nullptr) return;
    if (reason->empty()) *reason = "seen on " + Today() + ", not judged yet";
    for (const Finding& f : analysis->findings) {
      if (*wanted != "all" && f.fingerprint() != *wanted) continue;
      std::printf("# %s\n%s\n", std::string(f.title()).c_str(), SuppressionFor(f, *reason).c_str());
      exit_code = kClean;
    }
    if (exit_code == kClean) return;
    std::fprintf(stderr, "stranded: no finding '%s' in %s; accepted: all", wanted->c_str(),
                 input->file.c_str());
    for (const Finding& f : analysis->findings) {
      std::fprintf(stderr, ", %s", std::string(f.fingerprint()).c_str());
    }
    std::fprintf(stderr, "\n");
  });
}

}  // namespace stranded::cli
