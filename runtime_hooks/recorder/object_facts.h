// What changes about a channel or a context, copied under its lock. Packets and rows are made from
// the copy.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_FACTS_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_FACTS_H_

#include <cstddef>
#include <cstdint>
#include <source_location>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/context/context_node.h"

namespace stranded::internal {

struct ChanFacts {
  std::size_t length, high_water;
  bool closed, observed_try, observed_size, timer_armed, timer_stopped;
  std::uint64_t sends_started, sends_completed, recvs_started, recvs_completed, repeat_sends;
  std::uint32_t waiting_senders, waiting_receivers;
  std::uint64_t closed_by;
  std::source_location closed_site;
  std::int64_t closed_ns;
  ChanPeer last_sender, last_receiver;
  Departure sender_left, receiver_left;
  std::uint32_t handles;
};

// The facts of its end belong to nobody's lock once `err` is told.
struct ContextFacts {
  ContextErr err;
  std::uint32_t live_children;
  bool timer_pending, has_after_func, cancel_called, cancel_lost;
  std::uint64_t done_channel;
  std::uint32_t handles;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_FACTS_H_
