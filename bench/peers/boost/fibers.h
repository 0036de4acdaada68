// How the Boost.Fiber program spawns and joins.
//
// Overview: Go starts a detached fiber; WaitGroup counts them out. One worker runs round robin with
// pooled stacks, two share their work with malloc'd stacks (pooled ones take no lock).
// Thread safety: everything from any fiber.
// Invariants: wait groups are never freed, since a waiter may return before the last Done has left.
// Ownership: fibers own themselves.
#ifndef STRANDED_BENCH_PEERS_BOOST_FIBERS_H_
#define STRANDED_BENCH_PEERS_BOOST_FIBERS_H_

#include <atomic>
#include <boost/fiber/all.hpp>
#include <memory>
#include <mutex>
#include <utility>

namespace peers {

using Unbuffered = boost::fibers::unbuffered_channel<long>;
using Buffered = boost::fibers::buffered_channel<long>;

inline constexpr std::size_t kStackBytes = 16 * 1024;
// Set with one worker only.
inline boost::fibers::pooled_fixedsize_stack* stack_pool = nullptr;

template <class F>
void Go(F&& fn) {
  namespace fibers = boost::fibers;
  const auto post = fibers::launch::post;
  if (stack_pool != nullptr) {
    fibers::fiber(post, std::allocator_arg, *stack_pool, std::forward<F>(fn)).detach();
  } else {
    fibers::fiber(post, std::allocator_arg, fibers::fixedsize_stack(kStackBytes),
                  std::forward<F>(fn))
        .detach();
  }
}

class WaitGroup {
 public:
  static WaitGroup& Make() { return *new WaitGroup; }
  void Add(long n) { count_.fetch_add(n, std::memory_order_relaxed); }
  void Done() {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::unique_lock lock(mutex_);
    zero_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    zero_.wait(lock, [this] { return count_.load(std::memory_order_acquire) == 0; });
  }
  template <class F>
  void Go(F&& fn) {
    Add(1);
    peers::Go([this, fn = std::forward<F>(fn)]() mutable {
      fn();
      Done();
    });
  }

 private:
  std::atomic<long> count_{0};  // acq_rel: Done with Wait
  boost::fibers::mutex mutex_;
  boost::fibers::condition_variable zero_;
};

}  // namespace peers

#endif  // STRANDED_BENCH_PEERS_BOOST_FIBERS_H_
