// Channels and locks for the dumps of tests.
#ifndef STRANDED_TESTS_DETECTOR_OBJECT_SPECS_H_
#define STRANDED_TESTS_DETECTOR_OBJECT_SPECS_H_

#include "tests/detector/dump_builder.h"

namespace stranded::detector {

// That one task waits for.
inline Sync Lock(Id id, Id holder, SiteId at = 0, SyncKind kind = SyncKind::kMutex) {
  Sync sync;
  sync.id = id;
  sync.kind = kind;
  sync.holder_task = holder;
  sync.site = sync.holder_site = at;
  sync.waiters = 1;
  return sync;
}

inline Channel Unbuffered(Id id, SiteId at) {
  Channel channel;
  channel.id = id;
  channel.site = at;
  return channel;
}

}  // namespace stranded::detector

#endif  // STRANDED_TESTS_DETECTOR_OBJECT_SPECS_H_
