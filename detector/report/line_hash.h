// The hash by which GitHub code scanning recognises a line again (primaryLocationLineHash).
//
// Overview: the algorithm of github/codeql-action, src/fingerprints.ts: a rolling hash over the
// 100 characters from the start of the line, blanks left out. Thread safety: pure function.
#ifndef STRANDED_DETECTOR_REPORT_LINE_HASH_H_
#define STRANDED_DETECTOR_REPORT_LINE_HASH_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace stranded::detector {

// "hash:occurrence" of line `number` (from 1) of a source text; empty if there is no such line.
std::string LineHash(std::string_view source, std::uint32_t number);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_LINE_HASH_H_
