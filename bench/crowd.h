// Very many tasks that wait for ever.
//
// Overview: they wait at a thousand pairs of places, and their context has ended, so a report has a
// thousand findings, each with the stack of an exemplar. With kTimeouts each has a timeout of its
// own that is far away, so that the world has as many timers; with kRequests each waits on a
// channel of its own, in a context of its own. Thread safety: none. Invariants: all of them are
// parked from the end of the constructor on. Ownership: the destructor ends and joins them.
#ifndef STRANDED_BENCH_CROWD_H_
#define STRANDED_BENCH_CROWD_H_

#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/task.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <source_location>
#include <utility>
#include <vector>

namespace stranded::bench {

class Crowd {
 public:
  enum Kind { kReceive, kTimeouts, kRequests };

  explicit Crowd(std::int64_t count, Kind kind = kReceive)
      : pool_(PoolOptions{.workers = 1, .name = "crowd"}) {
    std::atomic<std::int64_t> arrived{0};
    const auto spawn_all = [&] {
      for (std::int64_t i = 0; i < count; ++i) {
        const auto group = static_cast<std::size_t>(i % kGroups);
        const Loc wait = kSites[group % 32];
        if (kind == kRequests) {
          StartRequest(kSites[group / 32], wait, arrived);
          continue;
        }
        handles_.push_back(Go(
            ended_.first,
            [this, wait, kind, &arrived] {
              arrived.fetch_add(1, std::memory_order_relaxed);
              std::pair<Context, CancelFunc> timeout;
              if (kind == kTimeouts) timeout = WithTimeout(Background(), absl::Hours(1));
              gate_.Recv(wait);
              if (kind == kTimeouts) timeout.second();
            },
            kSites[group / 32]));
      }
      while (arrived.load(std::memory_order_relaxed) < count) this_task::Yield();
    };
    handles_.reserve(static_cast<std::size_t>(count));
    pool_.Go(spawn_all).Join();
    ended_.second();
  }
  ~Crowd() {
    gate_.Close();
    for (const Chan<Unit>& channel : own_) channel.Close();
    for (const TaskHandle& handle : handles_) handle.Join();
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Tasks that join it share its worker and its timers.
  Pool& pool() { return pool_; }

 private:
  using Loc = std::source_location;

  // 32 places to wait at and 32 to spawn at make 1024 pairs; 1000 of them are used.
  static constexpr int kGroups = 1000;
  static constexpr Loc Here(Loc loc = Loc::current()) { return loc; }
  static const std::array<Loc, 32> kSites;

  void StartRequest(Loc spawn, Loc wait, std::atomic<std::int64_t>& arrived) {
    auto [context, cancel] = WithTimeout(Background(), absl::Hours(1));
    const Chan<Unit> answer = own_.emplace_back();
    handles_.push_back(Go(
        context,
        [answer, wait, &arrived] {
          arrived.fetch_add(1, std::memory_order_relaxed);
          answer.Recv(wait);
        },
        spawn));
    cancel();
  }

  Pool pool_;
  std::pair<Context, CancelFunc> ended_ = WithCancel(Background());
  Chan<Unit> gate_;
  std::vector<Chan<Unit>> own_;
  std::vector<TaskHandle> handles_;
};

inline constexpr std::array<std::source_location, 32> Crowd::kSites = {
    Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(),
    Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(),
    Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(), Here(),
};

}  // namespace stranded::bench

#endif  // STRANDED_BENCH_CROWD_H_
