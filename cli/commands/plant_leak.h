// A leak on purpose, for gates that test themselves.
#ifndef STRANDED_CLI_COMMANDS_PLANT_LEAK_H_
#define STRANDED_CLI_COMMANDS_PLANT_LEAK_H_

#include <string>

#include "absl/status/status.h"

namespace stranded::cli {

// Strands one task of this process and writes a dump that shows it.
absl::Status PlantLeak(const std::string& path);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_PLANT_LEAK_H_
