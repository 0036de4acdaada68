// Go's textual goroutine dumps: debug=2, panics, fatal errors, SIGQUIT, and debug=1.
//
// Overview: one pass over chunks of any size; a line is looked at where it lies. Whatever is not
// understood inside a stack is counted, text around dumps is passed over: no input is refused here.
// Thread safety: one reader, one thread.
#ifndef STRANDED_DETECTOR_INPUT_GO_TEXT_H_
#define STRANDED_DETECTOR_INPUT_GO_TEXT_H_

#include <memory>
#include <string_view>

#include "detector/input/go_model.h"

namespace stranded::detector {

class GoTextReader {
 public:
  // Appends to `out`, which must outlive the reader.
  GoTextReader(GoDumps& out, std::string_view source);
  ~GoTextReader();
  void Feed(std::string_view chunk);
  void Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_TEXT_H_
