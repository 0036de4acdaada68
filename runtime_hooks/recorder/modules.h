// The executable mappings of this process, for symbols later.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_MODULES_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_MODULES_H_

#include <cstdint>

#include "runtime_hooks/recorder/packet_writer.h"

namespace stranded::internal {

void WriteModules(PacketWriter& writer);
// Another number after each dlopen and dlclose.
std::uint64_t ModuleLoads();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_MODULES_H_
