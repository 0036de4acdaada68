// Vectors that may grow to hundreds of megabytes.
//
// Overview: large ones lie in huge pages where the system has them: a million tasks are then a
// hundred page faults instead of fifty thousand, and looking around in them misses the TLB less
// often. Thread safety and ownership: as std::vector.
#ifndef STRANDED_DETECTOR_MODEL_LARGE_VECTOR_H_
#define STRANDED_DETECTOR_MODEL_LARGE_VECTOR_H_

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace stranded::detector {

template <class T>
class LargeAllocator {
 public:
  using value_type = T;
  LargeAllocator() = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) {}  // NOLINT(google-explicit-constructor): as required

  T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / 2 / sizeof(T)) throw std::bad_array_new_length();
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kLarge) return static_cast<T*>(::operator new(bytes));
    const std::size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    void* memory = ::operator new(whole, std::align_val_t(kHugePage));
    madvise(memory, whole, MADV_HUGEPAGE);  // advice: without it pages are small
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) {
    if (count * sizeof(T) < kLarge) {
      ::operator delete(memory);
    } else {
      ::operator delete(memory, std::align_val_t(kHugePage));
    }
  }
  bool operator==(const LargeAllocator&) const { return true; }

 private:
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  static constexpr std::size_t kLarge = 2 * kHugePage;
};

template <class T>
using LargeVector = std::vector<T, LargeAllocator<T>>;

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_MODEL_LARGE_VECTOR_H_
