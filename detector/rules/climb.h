// The nearest object at or above each one of a tree, for all of them at once.
//
// Cost: each link is walked once, however long the chains are. Never recursive.
#ifndef STRANDED_DETECTOR_RULES_CLIMB_H_
#define STRANDED_DETECTOR_RULES_CLIMB_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "detector/model/snapshot.h"

namespace stranded::detector {

enum class Climb : std::uint8_t { kUp, kFound, kNothing };

// judge(object): whether it is the one, or there is none, or to go on with its parent. By position;
// nullptr where there is none. In a damaged dump a chain may be circular: then nothing is found,
// or, `circles_count`, whoever closes the circle.
template <class T, class Judge>
std::vector<const T*> NearestAbove(const Table<T>& table, Judge&& judge,
                                   bool circles_count = false) {
  enum : std::uint8_t { kNew, kOnPath, kDone };
  std::vector<const T*> nearest(table.size(), nullptr);
  std::vector<std::uint8_t> mark(table.size(), kNew);
  std::vector<std::uint32_t> path;
  for (std::uint32_t start = 0; start < table.size(); ++start) {
    const T* found = nullptr;
    path.clear();
    for (std::uint32_t at = start; at != IdIndex::kNone;) {
      const T& object = table.all()[at];
      if (mark[at] != kNew) {
        found = mark[at] == kDone ? nearest[at] : circles_count ? &object : nullptr;
        break;
      }
      mark[at] = kOnPath;
      path.push_back(at);
      const Climb step = judge(object);
      if (step == Climb::kFound) found = &object;
      if (step != Climb::kUp) break;
      at = table.PositionOfId(object.parent);
    }
    for (const std::uint32_t at : path) {
      nearest[at] = found;
      mark[at] = kDone;
    }
  }
  return nearest;
}

// What NearestAbove() found for the object with that id.
template <class T>
const T* NearestOf(const Table<T>& table, const std::vector<const T*>& nearest, Id id) {
  const std::uint32_t at = table.PositionOfId(id);
  return at == IdIndex::kNone ? nullptr : nearest[at];
}

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_CLIMB_H_
