// Typed slabs: where tasks, contexts, channels and spawn nodes live, and how a snapshot finds them.
//
// Overview: memory for objects of one type comes in chunks that are never given back, so that the
// address of an object stays an object of that type for the life of the process. A walker looks at
// every slot, but in chunks of which nobody has taken any since a walker found that all was free;
// it may use an object only after TryRef() succeeded on it. A type that names a kCacheKind is taken
// from and freed to a cache of the thread; the common list, which holds groups of free objects, is
// touched once for a batch. There is one slab for each such type. Thread safety: New, Free and
// ForEach from any thread. Free must be called by whoever dropped the last reference, and nobody
// else. Invariants: a slot's `refs` is 0 exactly while nobody else may use it. Publish() stores the
// first with release when the object is complete; TryRef() acquires it. The count stands beside the
// object, so that a walker may read it whether or not there is one. Ownership: the slab owns the
// memory for ever; the references own the object.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_SLAB_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_SLAB_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "runtime_hooks/registry/lasting_memory.h"
#include "runtime_hooks/registry/prefetch.h"
#include "runtime_hooks/registry/thread_block.h"
#include "stranded/internal/spin_lock.h"

namespace stranded::internal {

template <class T>
class Slab {
 public:
  constexpr Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // A new object that walkers do not see before Publish(). Throws std::bad_alloc when memory is
  // out.
  template <class... Args>
  T* NewUnpublished(Args&&... args) {
    Slot* slot = Take();
    if constexpr (sizeof...(Args) == 0) {
      return new (slot->bytes) T;  // with parentheses it would be cleared first, then initialised
    } else {
      return new (slot->bytes) T(std::forward<Args>(args)...);
    }
  }
  // Gives it its first references.
  static void Publish(T* object, std::uint32_t count = 1) {
    // Release: pairs with the acquire in TryRef(), so a walker sees the finished object.
    SlotOf(object)->refs.store(count, std::memory_order_release);
  }
  template <class... Args>
  T* New(Args&&... args) {
    T* object = NewUnpublished(std::forward<Args>(args)...);
    Publish(object);
    return object;
  }

  static void Ref(T* object, std::uint32_t count = 1) {
    SlotOf(object)->refs.fetch_add(count, std::memory_order_relaxed);
  }

  // A reference for a walker that found the slot by chance; false if nobody uses the object.
  static bool TryRef(T* object) {
    std::atomic<std::uint32_t>& refs = SlotOf(object)->refs;
    std::uint32_t seen = refs.load(std::memory_order_relaxed);
    while (seen != 0) {
      if (refs.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // True if these were the last references: the caller must then call Free().
  [[nodiscard]] static bool Unref(T* object, std::uint32_t count = 1) {
    // Acq_rel: all uses by other owners happen before the destruction by the last one.
    return SlotOf(object)->refs.fetch_sub(count, std::memory_order_acq_rel) == count;
  }

  // Acquire: whoever finds its own reference to be the only one sees what the others did.
  static std::uint32_t RefCount(const T* object) {
    return SlotOf(const_cast<T*>(object))->refs.load(std::memory_order_acquire);
  }

  void Free(T* object) {
    object->~T();
    Slot* slot = SlotOf(object);
    slot->refs.store(0, std::memory_order_relaxed);  // also by an only owner who did not Unref
    if constexpr (kCached) {
      ThreadCache& cache = MyCache();
      if (cache.HasEnd()) [[unlikely]]
        return FreeSlowly(cache, slot);
      Push(cache, slot);
    } else {
      SpinGuard guard(lock_);
      slot->next_free = free_;
      free_ = slot;
    }
  }

  // True if `object` is a slot of this slab that is in use: for pointers from damaged memory.
  bool Holds(const T* object) const {
    for (Chunk* c = chunks_.load(std::memory_order_acquire); c != nullptr; c = c->next) {
      for (Slot& slot : c->slots) {
        if (static_cast<const void*>(slot.bytes) == object) {
          return slot.refs.load(std::memory_order_relaxed) != 0;
        }
      }
    }
    return false;
  }

  // Calls f(object) with a reference held for the length of the call; `drop` takes that reference
  // back (it may be the last one).
  template <class F, class Drop>
  void ForEach(F&& f, Drop&& drop) {
    for (Chunk* c = chunks_.load(std::memory_order_acquire); c != nullptr; c = c->next) {
      // Relaxed: who sees an object published sees that its chunk has been used.
      if (c->unused.load(std::memory_order_relaxed)) continue;
      bool found = false;
      for (Slot& slot : c->slots) {
        T* object = std::launder(reinterpret_cast<T*>(slot.bytes));
        if (!TryRef(object)) continue;
        found = true;
        f(object);
        drop(object);
      }
      if constexpr (kCached) {
        if (!found) NoteUnused(c);
      }
    }
  }

  // Around a fork, so that the child finds the lock free.
  void BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS { lock_.Lock(); }
  void AfterFork() ABSL_NO_THREAD_SAFETY_ANALYSIS { lock_.Unlock(); }

 private:
  // A type may ask for more than it needs itself.
  static constexpr std::size_t SlotAlign() {
    if constexpr (requires { T::kSlotAlign; }) return T::kSlotAlign;
    return alignof(void*);
  }
  struct alignas(SlotAlign()) Slot {
    std::atomic<std::uint32_t> refs{0};
    // Of a type with caches. Set by whoever gives it to the common list, while it is still theirs;
    // taken back under lock_.
    std::atomic<bool> in_common{true};
    std::uint8_t index = 0;
    union {
      alignas(T) unsigned char bytes[sizeof(T)];
      Slot* next_free = nullptr;  // while there is no object
    };
  };
  static constexpr std::size_t kPerChunk = sizeof(T) > 1024 ? 16 : 128;
  // Free ones in the common list stand in groups: one holds the addresses of the others, so that
  // whoever takes a group need not wait for one after the other to come into its cache.
  struct Group {
    static_assert(sizeof(T) >= 4 * sizeof(Slot*));
    static constexpr std::size_t kOthers =
        std::min<std::size_t>(ThreadCache::kBatch, sizeof(T) / sizeof(Slot*)) - 2;
    Group* next = nullptr;
    std::size_t count = 0;
    Slot* others[kOthers];
  };
  static constexpr bool kCached = requires { T::kCacheKind; };
  struct Chunk {
    Chunk* next = nullptr;
    // All of it is in the common list, or, in the moment between the two parts of Refill(),
    // nowhere. Changed under lock_.
    std::atomic<bool> unused{kCached};
    Slot slots[kPerChunk];
  };
  static_assert(kPerChunk <= 256);
  static inline Slab* the_slab = nullptr;  // of a cached type; set once, before its first use

  static Slot* SlotOf(T* object) {
    return reinterpret_cast<Slot*>(reinterpret_cast<unsigned char*>(object) -
                                   offsetof(Slot, bytes));
  }
  static Chunk* ChunkOf(Slot* slot) {
    return reinterpret_cast<Chunk*>(reinterpret_cast<unsigned char*>(slot - slot->index) -
                                    offsetof(Chunk, slots));
  }
  // After a crowd most chunks are. Not if the lock is taken: perhaps by a thread that is stopped.
  __attribute__((noinline)) void NoteUnused(Chunk* chunk) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (!lock_.TryLock()) return;
    const bool unused = std::all_of(std::begin(chunk->slots), std::end(chunk->slots),
                                    [](const Slot& s) { return s.in_common.load(kRelaxed); });
    if (unused) chunk->unused.store(true, kRelaxed);
    lock_.Unlock();
  }
  static constexpr std::memory_order kRelaxed = std::memory_order_relaxed;
  static ThreadCache& MyCache() { return Here()->caches[static_cast<int>(T::kCacheKind)]; }

  Slot* Take() {
    if constexpr (kCached) {
      ThreadCache& cache = MyCache();
      if (cache.count == 0) [[unlikely]]
        Refill(cache);
      return Pop(cache);
    } else {
      SpinGuard guard(lock_);
      return TakeLocked();
    }
  }

  Slot* TakeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    if (free_ == nullptr) Grow();
    Slot* slot = free_;
    free_ = slot->next_free;
    return slot;
  }

  static void Push(ThreadCache& cache, Slot* slot) {
    slot->next_free = static_cast<Slot*>(cache.first);
    cache.first = slot;
    ++cache.count;
  }
  static Slot* Pop(ThreadCache& cache) {
    auto* slot = static_cast<Slot*>(cache.first);
    cache.first = slot->next_free;
    --cache.count;
    return slot;
  }

  __attribute__((noinline)) void Refill(ThreadCache& cache) {
    constexpr std::size_t kEnough = ThreadCache::kBatch / 2;
    SpillAtThreadExit();
    Slot* taken[kEnough + Group::kOthers + 1];
    std::size_t count = 0;
    {
      SpinGuard guard(lock_);
      if (the_slab == nullptr) {  // guarded by its lock_
        the_slab = this;
        SetSpill(T::kCacheKind, [](ThreadCache& cache) { the_slab->Spill(cache, cache.count); });
      }
      if (groups_ == nullptr) Grow();
      while (groups_ != nullptr && count < kEnough) {
        Group* group = std::exchange(groups_, groups_->next);
        taken[count++] = SlotOf(reinterpret_cast<T*>(group));
        std::copy_n(group->others, group->count, taken + count);
        count += group->count;
      }
    }
    for (std::size_t i = 0; i < count; ++i) PrefetchBytes(taken[i], sizeof(Slot));
    {
      // Apart from the above: their lines are on the way now. Before any of them is published.
      SpinGuard guard(lock_);
      for (std::size_t i = 0; i < count; ++i) {
        taken[i]->in_common.store(false, kRelaxed);
        std::atomic<bool>& unused = ChunkOf(taken[i])->unused;
        if (unused.load(kRelaxed)) unused.store(false, kRelaxed);
      }
    }
    while (count > 0) Push(cache, taken[--count]);
  }

  __attribute__((noinline)) void FreeSlowly(ThreadCache& cache, Slot* slot) {
    if (cache.count == ThreadCache::kMost) Spill(cache, ThreadCache::kBatch);
    if (cache.count == 0) SpillAtThreadExit();
    Push(cache, slot);
  }

  // Gives `count` objects of the cache back to the common list.
  __attribute__((noinline)) void Spill(ThreadCache& cache, std::uint32_t count) {
    Group* first = nullptr;
    Group* last = nullptr;
    const auto give = [&cache, &count] {
      Slot* slot = Pop(cache);
      slot->in_common.store(true, kRelaxed);
      --count;
      return slot;
    };
    while (count > 0) {
      auto* group = new (give()->bytes) Group;
      while (count > 0 && group->count < Group::kOthers) group->others[group->count++] = give();
      if (first == nullptr) last = group;
      group->next = first;
      first = group;
    }
    if (first == nullptr) return;
    SpinGuard guard(lock_);
    last->next = groups_;
    groups_ = first;
  }

  void Grow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    static_assert(alignof(Chunk) <= kLastingAlign);
    auto* chunk = new (TakeForGood(sizeof(Chunk))) Chunk;
    chunk->next = chunks_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < kPerChunk; ++i) {
      chunk->slots[i].index = static_cast<std::uint8_t>(i);
    }
    // The lowest address is taken first, and walkers find objects in the order they were made.
    if constexpr (kCached) {
      for (std::size_t end = kPerChunk; end > 0;) {
        const std::size_t begin = end - std::min(end, Group::kOthers + 1);
        auto* group = new (chunk->slots[begin].bytes) Group;
        for (std::size_t i = begin + 1; i < end; ++i) {
          group->others[group->count++] = &chunk->slots[i];
        }
        group->next = groups_;
        groups_ = group;
        end = begin;
      }
    } else {
      for (std::size_t i = kPerChunk; i-- > 0;) {
        chunk->slots[i].next_free = free_;
        free_ = &chunk->slots[i];
      }
    }
    // Release: pairs with the acquire in ForEach().
    chunks_.store(chunk, std::memory_order_release);
  }

  SpinLock lock_;
  Slot* free_ ABSL_GUARDED_BY(lock_) = nullptr;     // of a type without caches
  Group* groups_ ABSL_GUARDED_BY(lock_) = nullptr;  // of one with caches
  std::atomic<Chunk*> chunks_{nullptr};
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_SLAB_H_
