// Tasks that are like others, from the columns of a batch.
#ifndef STRANDED_DETECTOR_INPUT_TASK_BATCH_DECODER_H_
#define STRANDED_DETECTOR_INPUT_TASK_BATCH_DECODER_H_

#include <cstddef>
#include <string_view>

#include "detector/input/decode.h"
#include "detector/input/task_columns.h"
#include "stranded/dump_format.h"

namespace stranded::detector {

// Adds the tasks of a batch, each with its spawn node. False if the batch is damaged, names tasks
// that are not there, or costs more than `afford` allows; those before that point stay.
bool ReadTaskBatch(const data_view& bytes, Snapshot& s, AffordRef afford);

// What kind of packet that is; 0 if it has no readable head.
dump::PacketTag HeadOf(std::string_view packet);
// The tasks in a packet with a batch, as it says itself, but no more than can be in it.
std::size_t CountOfBatch(std::string_view packet);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_TASK_BATCH_DECODER_H_
