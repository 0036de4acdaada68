// Wall time from the time stamp counter: 10 ns instead of the 23 of the system's clock.
//
// Overview: the counter is held against the system's clock ten times a second; in between it is
// multiplied. Where it does not run evenly (no invariant TSC, or not x86) every call asks the
// system. Thread safety: any thread. Invariants: never further from the system's clock than the
// rate drifts in a tenth of a second, about a microsecond; by so much two calls may disagree.
// Ownership: none.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_TSC_CLOCK_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_TSC_CLOCK_H_

#include <cstdint>

#include "stranded/mapped_format.h"

namespace stranded::internal {

std::int64_t TscNowNs();
bool TscIsInvariant();
// The counter and the system's clock at one moment; 0 ticks without an invariant counter.
mapped::Calibration ReadCalibration();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_TSC_CLOCK_H_
