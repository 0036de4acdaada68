// Fixes of small bodies.
#ifndef STRANDED_TESTS_DETECTOR_VERIFY_SUPPORT_H_
#define STRANDED_TESTS_DETECTOR_VERIFY_SUPPORT_H_

#include <functional>

#include "stranded/explore.h"
#include "stranded/verify.h"

namespace stranded {

inline FixSearch Search(const std::function<void()>& body) {
  ExploreOptions options;
  options.schedules = 200;
  return FixBody(options, 300, body);
}

inline const Fix* Chosen(const FixSearch& search) {
  return search.verified ? &search.chosen.front() : nullptr;
}

}  // namespace stranded

#endif  // STRANDED_TESTS_DETECTOR_VERIFY_SUPPORT_H_
