// Edits are for the user's own sources.
#include "detector/fixes/fixes.h"

namespace stranded::detector {
namespace {

// A patch of such a place would act on all objects that the library makes there.
bool TouchesLibrary(const Fix& fix) {
  return fix.site.in_library() || fix.patch.find("include/c++/") != std::string::npos;
}

}  // namespace

void DropLibraryPlaces(FindingData& data) {
  for (Fix& fix : data.fixes) {
    if (!TouchesLibrary(fix)) continue;
    fix.site = SourceSite();
    fix.diff.clear();
    fix.patch.clear();
  }
  std::erase_if(data.candidates, TouchesLibrary);
}

}  // namespace stranded::detector
