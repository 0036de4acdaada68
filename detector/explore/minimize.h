// Makes a failing schedule smaller: leaves out changes as long as the same end comes.
//
// Overview: delta debugging over the list of changes (Zeller and Hildebrandt, 2002): halves first,
// then smaller parts, then single changes. Each change names the task and step it belongs to, so
// the rest keeps its meaning. Thread safety: none needed.
#ifndef STRANDED_DETECTOR_EXPLORE_MINIMIZE_H_
#define STRANDED_DETECTOR_EXPLORE_MINIMIZE_H_

#include <cstddef>
#include <string>
#include <vector>

namespace stranded::detector {

class Minimizer {
 public:
  explicit Minimizer(const std::string& schedule);

  // The next schedule to try; false when no smaller one is found any more.
  bool Next(std::string* schedule);
  // What came of it. `ran` is the schedule as it was run: changes that had no effect are gone.
  void Report(bool same_end, const std::string& ran);
  std::string best() const;
  std::size_t changes() const { return best_.size(); }
  int tried() const { return tried_; }

 private:
  std::vector<std::string> best_, trial_;
  std::size_t part_ = 0, at_ = 0;  // size of what is left out, and where
  int tried_ = 0;
  std::size_t work_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_EXPLORE_MINIMIZE_H_
