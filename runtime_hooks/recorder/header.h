// The first packet of a dump: which program, which format.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_HEADER_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_HEADER_H_

#include "runtime_hooks/recorder/packet_writer.h"

namespace stranded::internal {

void WriteHeader(PacketWriter& writer);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_HEADER_H_
