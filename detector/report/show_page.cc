#include "detector/report/show_page.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace stranded::detector {

void ShowPage::Row(const std::string& label, const std::string& text) {
  absl::StrAppend(&text_, "  ", label, std::string(label.size() < 10 ? 10 - label.size() : 1, ' '),
                  text, "\n");
}

void ShowPage::More(std::size_t all) {
  if (all > kMostShown) Row("", absl::StrCat("and ", all - kMostShown, " more"));
}

void ShowPage::Next(const std::string& what, const std::string& why) {
  NextCommand(absl::StrCat("show ", o_.file, " ", what), why);
}

void ShowPage::NextTask(const Situation& s, Id task, const std::string& why) {
  if (s.snap().tasks.Find(task) != nullptr) Next(absl::StrCat("task:", task), why);
}

void ShowPage::NextCommand(const std::string& command, const std::string& why) {
  if (seen_.insert(command).second) next_.emplace_back("stranded " + command, why);
}

std::string ShowPage::Text() const {
  std::string out = text_;
  std::size_t widest = 0;
  for (const auto& [command, why] : next_) widest = std::max(widest, command.size());
  if (!next_.empty()) out += '\n';
  for (const auto& [command, why] : next_) {
    absl::StrAppend(&out, "  ", command, std::string(widest - command.size() + 2, ' '), "# ", why,
                    "\n");
  }
  return out;
}

std::string Doing(const Situation& s, const Task& t) {
  if (t.wait == WaitKind::kNone) return absl::StrCat("last seen at ", Place(s, t.last_site));
  const std::string age = t.since_ns == 0 ? "" : absl::StrCat(", for ", Span(s.Age(t)));
  return absl::StrCat(WaitText(s.snap(), t), " at ", Place(s, t.wait_site), age);
}

}  // namespace stranded::detector
