// Program counters to functions and lines, by libdw; modules are told apart by build id.
//
// Thread safety: one symbolizer, one thread.
// Ownership: opened debug information is released with it.
#ifndef STRANDED_DETECTOR_REPORT_SYMBOLIZER_H_
#define STRANDED_DETECTOR_REPORT_SYMBOLIZER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "detector/model/snapshot.h"
#include "stranded/finding.h"

namespace stranded::detector {

class Symbolizer {
 public:
  explicit Symbolizer(const Dump& dump);
  ~Symbolizer();

  // Adds the frame of `pc`, and those inlined there, innermost first.
  void AddFrames(std::uint64_t pc, std::vector<StackFrame>& out);

 private:
  void FindFrames(std::uint64_t pc, std::vector<StackFrame>& out);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_SYMBOLIZER_H_
