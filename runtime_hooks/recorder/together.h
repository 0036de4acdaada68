// Objects that are read together, so that their memory is fetched at the same time.
//
// Overview: what a walk comes to lies in cold memory, and so does what that points to. Some objects
// are held, their lines are asked for at once, and then each is read. Thread safety: none.
// Ownership: has one reference of each object it holds, which `drop` takes back; so the last one of
// an object may go some slots later, and on this thread.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_TOGETHER_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_TOGETHER_H_

#include <array>
#include <cstddef>
#include <span>

#include "runtime_hooks/registry/prefetch.h"

namespace stranded::internal {

template <class T>
class Together {
 public:
  // True: there are enough, Take() them.
  bool Hold(T* object) {
    PrefetchBytes(object, sizeof(T));
    held_[count_++] = object;
    return count_ == held_.size();
  }
  // Each of `looks` goes over all of them, then they are read.
  template <class Read, class Drop>
  void Take(std::span<void (*const)(T*)> looks, const Read& read, const Drop& drop) {
    const auto held = std::span(held_).first(count_);
    for (const auto look : looks) {
      for (T* const object : held) look(object);
    }
    for (T* const object : held) {
      read(object);
      drop(object);
    }
    count_ = 0;
  }

 private:
  std::array<T*, 16> held_;
  std::size_t count_ = 0;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_TOGETHER_H_
