// Locks and the like with Go's meaning.
#ifndef STRANDED_RUNTIME_HOOKS_SYNC_H_
#define STRANDED_RUNTIME_HOOKS_SYNC_H_

#include "stranded/cond.h"        // IWYU pragma: export
#include "stranded/err_group.h"   // IWYU pragma: export
#include "stranded/mutex.h"       // IWYU pragma: export
#include "stranded/once.h"        // IWYU pragma: export
#include "stranded/rw_mutex.h"    // IWYU pragma: export
#include "stranded/semaphore.h"   // IWYU pragma: export
#include "stranded/wait_group.h"  // IWYU pragma: export

#endif  // STRANDED_RUNTIME_HOOKS_SYNC_H_
