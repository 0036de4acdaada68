// One finding, and the tasks, channel and contexts that belong to it.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "detector/report/show_page.h"
#include "stranded/report.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces)

std::string ShowFinding(const Analysis& analysis, const std::string& which,
                        const ShowOptions& options) {
  std::size_t number = 0;
  const bool by_number = absl::SimpleAtoi(which, &number);
  const auto it = std::ranges::find_if(analysis.findings, [&](const Finding& f) {
    const auto position = static_cast<std::size_t>(&f - analysis.findings.data()) + 1;
    return by_number ? position == number : f.fingerprint() == which;
  });
  if (it == analysis.findings.end()) return "";
  TextOptions text;
  text.color = options.color;
  std::string out = TextFinding(*it, text);
  out.pop_back();  // the page ends the line
  ShowPage page(out, options);
  const FindingData& d = it->data();
  for (std::size_t i = 0; i < std::min<std::size_t>(d.tasks.size(), 3); ++i) {
    page.Next(absl::StrCat("task:", d.tasks[i]), "a task of it");
  }
  if (d.tasks.size() > 3) {
    page.NextCommand(absl::StrCat("tasks ", options.file, " --rule ", d.rule), "all tasks like it");
  }
  if (d.has_channel) page.Next(absl::StrCat("channel:", d.channel.id), "the channel");
  const bool told = analysis.dump != nullptr && !analysis.dump->snapshots.empty();
  for (const ContextStep& c : d.contexts) {
    const bool known = told && analysis.dump->snapshots.back().contexts.Find(c.id) != nullptr;
    if (known && c.origin) page.Next(absl::StrCat("context:", c.id), "the context that ended");
  }
  page.NextCommand(absl::StrCat("explain ", d.rule), "what the rule means");
  page.NextCommand(absl::StrCat("suppress ", options.file, " ", d.fingerprint), "if it may stay");
  return page.Text();
}

}  // namespace stranded
