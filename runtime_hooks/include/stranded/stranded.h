// The whole runtime. The detector's headers are included by name.
#ifndef STRANDED_RUNTIME_HOOKS_STRANDED_H_
#define STRANDED_RUNTIME_HOOKS_STRANDED_H_

#include "stranded/channel.h"  // IWYU pragma: export
#include "stranded/context.h"  // IWYU pragma: export
#include "stranded/dump.h"     // IWYU pragma: export
#include "stranded/errors.h"   // IWYU pragma: export
#include "stranded/options.h"  // IWYU pragma: export
#include "stranded/select.h"   // IWYU pragma: export
#include "stranded/sync.h"     // IWYU pragma: export
#include "stranded/task.h"     // IWYU pragma: export
#include "stranded/time.h"     // IWYU pragma: export

#endif  // STRANDED_RUNTIME_HOOKS_STRANDED_H_
