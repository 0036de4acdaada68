#include "runtime_hooks/sync/misuse.h"

#include "absl/strings/str_cat.h"
#include "stranded/errors.h"

namespace stranded::internal {

void ThrowMisuse(const std::string& what, const SyncBase& object, const std::source_location& at) {
  throw MisuseError(absl::StrCat(what, ", at ", at.file_name(), ":", at.line(), "; it was made at ",
                                 object.site.file_name(), ":", object.site.line()));
}

}  // namespace stranded::internal
