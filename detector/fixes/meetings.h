// What the meeting of sender and receiver meant to others: rules 2, 3 and 5 of docs/rules.md, "When
// buffering is right".
//
// Overview: goes through the history (record=trace; an exploration traces its last schedule) with
// two vector clocks for each task: one with all that orders, one without the edge that a buffer
// takes away, from a receive back to the return of its send. What only the first of them orders
// relied on the meeting. Unlocking and locking again orders by chance and counts in neither. Plain
// memory and atomics are not seen. Thread safety: reads a snapshot. Cost: events times tasks of the
// history, which is bounded.
#ifndef STRANDED_DETECTOR_FIXES_MEETINGS_H_
#define STRANDED_DETECTOR_FIXES_MEETINGS_H_

#include <optional>

#include "detector/rules/situation.h"

namespace stranded::detector {

struct OrderedPair {
  enum class Kind { kClose, kValues, kLock } kind = Kind::kClose;
  SiteId first = 0, second = 0;  // the second comes later only because of the meeting
};

struct Meetings {
  bool judged = false;    // the history is whole, and sends at the channel's line were received
  std::size_t count = 0;  // sends that were received
  std::optional<OrderedPair> broken;  // with a buffer this may go wrong: rule 2
  std::optional<OrderedPair> moved;   // with a buffer this may come in another order: rule 2
  SiteId after_send = 0, next = 0;    // a sender goes on visibly: rule 3
  SiteId received = 0, again = 0;     // a sender started after a receive: a new round: rule 5
};

// Of all channels that were made where `like` was.
Meetings JudgeMeetings(const Situation& s, const Channel& like);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_MEETINGS_H_
