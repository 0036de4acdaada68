// Which events of a trace can only come one after the other.
//
// Overview: what a task did before something that lets another one go on comes before all that one
// does from there: spawns, joins, values and closes of channels, wakes. A wait group, condition,
// once or semaphore does not tell who let a task through it, so all that came before it counts. A
// lock that is handed over orders by chance and does not count. Errs on one side: what is called
// concurrent was not ordered by anything in the trace, and nothing that matters was lost from it.
// Within a ring order is known; between rings only what such steps tell. Thread safety: reads a
// snapshot. Cost: one pass over the events for one ring, a few for several; memory is bounded.
#ifndef STRANDED_DETECTOR_RULES_EVENT_ORDER_H_
#define STRANDED_DETECTOR_RULES_EVENT_ORDER_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "detector/model/snapshot.h"

namespace stranded::detector {

// Numbers of two events, in the order of the log.
using EventPair = std::pair<std::size_t, std::size_t>;
inline constexpr std::size_t kMostEventPairs = 32;

// For each pair, of different tasks: do the two happen in either order? False where that is not
// known. At most kMostEventPairs.
std::vector<bool> AreConcurrent(const Snapshot& snap, const std::vector<EventPair>& pairs);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_EVENT_ORDER_H_
