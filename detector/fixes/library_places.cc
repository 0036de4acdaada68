// Edits are for the user's own sources.
#include <algorithm>
#include <string_view>

#include "detector/fixes/fixes.h"

namespace stranded::detector {
namespace {

// A patch of such a place would act on all objects that the library makes there.
bool TouchesLibrary(const Fix& fix) {
  return fix.site.in_library() || fix.patch.find("include/c++/") != std::string::npos;
}

// The guards of the standard library take their locks inside it.
bool NamesGuard(std::string_view text) {
  constexpr std::string_view kPlaces[] = {
      "(std_mutex.h:", "(unique_lock.h:", "(mutex:", "(shared_mutex:"};
  return std::ranges::any_of(kPlaces,
                             [&](std::string_view place) { return text.find(place) != text.npos; });
}

bool HidesLock(const FindingData& data) {
  return NamesGuard(data.wait_site.ToString()) || std::ranges::any_of(data.graph, NamesGuard) ||
         std::ranges::any_of(data.fixes, [](const Fix& f) { return NamesGuard(f.summary); });
}

}  // namespace

void DropLibraryPlaces(FindingData& data) {
  if (HidesLock(data)) {
    data.notes.emplace_back(
        "std::lock_guard and its relatives do not tell where they stand; stranded::MutexLock, "
        "WriterLock and ReaderLock do.");
  }
  for (Fix& fix : data.fixes) {
    if (!TouchesLibrary(fix)) continue;
    fix.site = SourceSite();
    fix.diff.clear();
    fix.patch.clear();
  }
  std::erase_if(data.candidates, TouchesLibrary);
}

}  // namespace stranded::detector
