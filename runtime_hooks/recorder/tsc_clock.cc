#include "runtime_hooks/recorder/tsc_clock.h"

#include <time.h>

#include <algorithm>
#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace stranded::internal {
namespace {

std::int64_t SystemNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * std::int64_t{1000000000} + now.tv_nsec;
}

#if defined(__x86_64__)

constexpr std::int64_t kEveryNs = 100'000'000;  // corrections
constexpr std::int64_t kFirstNs = 5'000'000;    // the shortest span that gives a rate
constexpr std::int64_t kJumpNs = 10'000'000;    // somebody set the clock
constexpr int kFraction = 32;

bool AskInvariant() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}
const bool invariant = AskInvariant();

// A line through two moments. A sequence lock: odd while it is written.
std::atomic<std::uint32_t> seq{0};
std::atomic<std::uint64_t> anchor_ticks{0}, rate{0};  // rate: ns per tick, as a fraction of 2^32
std::atomic<std::int64_t> anchor_ns{0};
std::atomic<std::uint64_t> until_ticks{0};  // then the line is old
std::atomic<bool> correcting{false};
// The first moment; the rate is measured from there on. Only whoever corrects.
std::uint64_t first_ticks = 0;
std::int64_t first_ns = 0;

std::int64_t OnLine(std::uint64_t ticks, std::uint64_t from, std::int64_t ns, std::uint64_t slope) {
  return ns + static_cast<std::int64_t>((static_cast<unsigned __int128>(ticks - from) * slope) >>
                                        kFraction);
}

void SetLine(std::uint64_t ticks, std::int64_t ns, std::uint64_t slope) {
  const std::uint32_t now = seq.load(std::memory_order_relaxed);
  seq.store(now + 1, std::memory_order_relaxed);
  // Release: pairs with the fence of the reader; the fields come after the odd number.
  std::atomic_thread_fence(std::memory_order_release);
  anchor_ticks.store(ticks, std::memory_order_relaxed);
  anchor_ns.store(ns, std::memory_order_relaxed);
  rate.store(slope, std::memory_order_relaxed);
  const auto span =
      static_cast<std::uint64_t>((static_cast<unsigned __int128>(kEveryNs) << kFraction) / slope);
  until_ticks.store(ticks + span, std::memory_order_relaxed);
  seq.store(now + 2, std::memory_order_release);
}

// Asks the system, and draws a new line through it.
std::int64_t Correct() {
  if (correcting.exchange(true, std::memory_order_acquire)) return SystemNs();
  const std::uint64_t ticks = __rdtsc();
  std::int64_t ns = SystemNs();
  if (first_ticks == 0) {
    first_ticks = ticks;
    first_ns = ns;
  } else if (ns - first_ns >= kFirstNs && ticks > first_ticks) {
    const std::uint64_t old = rate.load(std::memory_order_relaxed);
    const std::int64_t expected = old == 0 ? ns
                                           : OnLine(ticks, anchor_ticks.load(),  // own writes
                                                    anchor_ns.load(), old);
    if (expected - ns > kJumpNs || ns - expected > kJumpNs) {
      // Set by hand: begin anew.
      first_ticks = ticks;
      first_ns = ns;
      rate.store(0, std::memory_order_relaxed);
      until_ticks.store(0, std::memory_order_relaxed);
    } else {
      const auto span = static_cast<unsigned __int128>(ns - first_ns) << kFraction;
      const auto slope = static_cast<std::uint64_t>(span / (ticks - first_ticks));
      ns = std::max(ns, expected);
      if (slope != 0) SetLine(ticks, ns, slope);
    }
  }
  correcting.store(false, std::memory_order_release);
  return ns;
}

#endif

}  // namespace

#if defined(__x86_64__)

bool TscIsInvariant() { return invariant; }

std::int64_t TscNowNs() {
  if (!invariant) return SystemNs();
  const std::uint32_t before = seq.load(std::memory_order_acquire);
  const std::uint64_t ticks = __rdtsc();
  const std::uint64_t from = anchor_ticks.load(std::memory_order_relaxed);
  const std::uint64_t slope = rate.load(std::memory_order_relaxed);
  const std::int64_t ns = anchor_ns.load(std::memory_order_relaxed);
  const std::uint64_t until = until_ticks.load(std::memory_order_relaxed);
  // Acquire: pairs with the release in SetLine().
  std::atomic_thread_fence(std::memory_order_acquire);
  if ((before & 1) != 0 || before != seq.load(std::memory_order_relaxed)) return SystemNs();
  // Another processor's counter may be some ticks behind the one that drew the line.
  if (ticks >= until || ticks < from) return Correct();
  return OnLine(ticks, from, ns, slope);
}

mapped::Calibration ReadCalibration() {
  mapped::Calibration now;
  now.ns = SystemNs();
  if (invariant) now.ticks = __rdtsc();
  return now;
}

#else

bool TscIsInvariant() { return false; }
std::int64_t TscNowNs() { return SystemNs(); }
mapped::Calibration ReadCalibration() { return {0, SystemNs()}; }

#endif

}  // namespace stranded::internal
