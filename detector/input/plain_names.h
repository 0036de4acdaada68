// Names without control characters.
//
// A name with a line break or an escape sequence could write into a report what is not in the dump.
// It is made plain once, when it is read, so that no report can forget it.
#ifndef STRANDED_DETECTOR_INPUT_PLAIN_NAMES_H_
#define STRANDED_DETECTOR_INPUT_PLAIN_NAMES_H_

#include <string>
#include <string_view>

#include "detector/model/snapshot.h"

namespace stranded::detector {

// True if there is no control character in it: none of C0, DEL and, in UTF-8, C1.
bool IsPlain(std::string_view text);
// With \n, \t and \x1b in their place.
std::string PlainText(std::string_view text);
// All names, values and places of a dump; not what names its files.
void MakePlain(Dump& dump);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_PLAIN_NAMES_H_
