// One id for each place in the source.
//
// A program knows the same line of a header by several names, one from each unit that includes it.
// Tasks that wait there have one cause and must be counted together.
#ifndef STRANDED_DETECTOR_INPUT_CANONICAL_SITES_H_
#define STRANDED_DETECTOR_INPUT_CANONICAL_SITES_H_

#include "detector/model/snapshot.h"

namespace stranded::detector {

// Replaces every id of a site in the dump by the smallest id that means the same place.
void CanonizeSites(Dump& dump);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_CANONICAL_SITES_H_
