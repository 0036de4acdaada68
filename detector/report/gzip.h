// Compression for reports.
#ifndef STRANDED_DETECTOR_REPORT_GZIP_H_
#define STRANDED_DETECTOR_REPORT_GZIP_H_

#include <string>

namespace stranded::detector {

// With no time and no name in its header: the same input gives the same bytes. Returns the input
// where zlib cannot: readers of profiles take it uncompressed, too.
std::string Gzip(std::string input);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_GZIP_H_
