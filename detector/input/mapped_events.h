// The events in a ring of a mapped file.
#ifndef STRANDED_DETECTOR_INPUT_MAPPED_EVENTS_H_
#define STRANDED_DETECTOR_INPUT_MAPPED_EVENTS_H_

#include "detector/input/mapped_sites.h"

namespace stranded::detector {

// Adds the events that are whole, oldest first, and counts those that were overwritten.
void ReadRing(std::string_view bytes, const mapped::Block& block, std::size_t at, std::size_t slots,
              const MappedSites& sites, Snapshot& snap);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_MAPPED_EVENTS_H_
