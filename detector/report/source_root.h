// Where the sources of a program are, as far as the program itself can tell: its reports name paths
// below that, and none of the machine that built it.
//
// Thread safety: any thread. Cost: some looks at the file system.
#ifndef STRANDED_DETECTOR_REPORT_SOURCE_ROOT_H_
#define STRANDED_DETECTOR_REPORT_SOURCE_ROOT_H_

#include <string>
#include <vector>

#include "detector/model/snapshot.h"
#include "stranded/explore.h"

namespace stranded::detector {

// `asked` if that is not "."; else STRANDED_OPTIONS=source_root; else the current folder, unless
// all of the files are elsewhere: then their project, or the folder that they share.
std::string SourceRoot(const std::vector<std::string>& files, const std::string& asked);
// What those below that folder begin with, which need not be on this machine.
std::string SourcePrefix(const std::vector<std::string>& files, const std::string& root);
std::vector<std::string> FilesOf(const Dump& dump);

// One file as a report of the program itself names it.
std::string ShortFile(const std::string& file);

// The places of its steps as reports name them.
void ShortenSteps(ExploreResult& result);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_SOURCE_ROOT_H_
