// What the pages of `stranded show` share: rows with labels, and where to go from here.
//
// Thread safety: one page, one thread.
#ifndef STRANDED_DETECTOR_REPORT_SHOW_PAGE_H_
#define STRANDED_DETECTOR_REPORT_SHOW_PAGE_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "detector/rules/rule.h"
#include "stranded/report.h"

namespace stranded::detector {

constexpr std::size_t kMostShown = 20;  // of many equal things

class ShowPage {
 public:
  ShowPage(std::string title, const ShowOptions& options) : text_(std::move(title)), o_(options) {
    text_ += '\n';
  }
  // An empty label continues the row above.
  void Row(const std::string& label, const std::string& text);
  // "and 17 more", if there are.
  void More(std::size_t all);
  // A command that leads on, once: show FILE WHAT.
  void Next(const std::string& what, const std::string& why);
  void NextTask(const Situation& s, Id task, const std::string& why);  // nothing for a timer
  void NextCommand(const std::string& command, const std::string& why);
  std::string Text() const;

 private:
  std::string text_;
  const ShowOptions& o_;
  std::vector<std::pair<std::string, std::string>> next_;
  std::set<std::string> seen_;
};

// "sending on a channel at a.cc:3, for 5s", or where it was last seen.
std::string Doing(const Situation& s, const Task& task);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_SHOW_PAGE_H_
