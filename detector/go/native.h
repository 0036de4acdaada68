// A dump of goroutines as a native one, so that tasks, tree and show work on it.
#ifndef STRANDED_DETECTOR_GO_NATIVE_H_
#define STRANDED_DETECTOR_GO_NATIVE_H_

#include <memory>

#include "detector/input/go_model.h"
#include "detector/model/snapshot.h"

namespace stranded::detector {

// Keeps `all`. Of more than 20,000 goroutines the first are in it, and one or more of each
// stack.
std::shared_ptr<const Dump> NativeFromGo(std::shared_ptr<const GoDumps> all, std::size_t index);
// Who started whom, with equal subtrees folded and counted. `unlisted`: how many are not in the
// dump.
std::string GoTree(const Dump& dump, std::uint64_t unlisted);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_GO_NATIVE_H_
