// Whether events are recorded, for what is inline in public headers.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_TRACING_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_TRACING_H_

#include <atomic>

namespace stranded::internal {

// Relaxed: what is recorded a moment too late or too early is no worse than any other moment.
extern std::atomic<bool> tracing;
// Changes whenever tracing is switched on or off.
extern std::atomic<std::uint32_t> trace_turn;
inline bool IsTracing() { return tracing.load(std::memory_order_relaxed); }

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_TRACING_H_
