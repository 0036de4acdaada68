// Vectors that may grow to hundreds of megabytes.
//
// Overview: as std::vector, of what may be moved as bytes; large ones lie in memory of their own,
// so they grow without being copied (large_memory.h). Thread safety and ownership: as std::vector.
// Invariants: capacity_ is what lies in LargeMemory if it takes kLarge bytes or more.
#ifndef STRANDED_DETECTOR_MODEL_LARGE_VECTOR_H_
#define STRANDED_DETECTOR_MODEL_LARGE_VECTOR_H_

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "detector/model/large_memory.h"

namespace stranded::detector {

template <class T>
class LargeVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  LargeVector() = default;
  LargeVector(std::initializer_list<T> values) { Append({values.begin(), values.size()}); }
  LargeVector(const LargeVector& other) { Append(other); }
  LargeVector(LargeVector&& other) noexcept { Swap(other); }
  LargeVector& operator=(LargeVector other) noexcept {
    Swap(other);
    return *this;
  }
  ~LargeVector() { Free(data_, capacity_); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t capacity() const { return capacity_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T& front() { return data_[0]; }
  const T& front() const { return data_[0]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }

  void push_back(const T& value) { emplace_back(value); }
  template <class... Args>
  T& emplace_back(Args&&... args) {
    if (size_ == capacity_) [[unlikely]] {
      T made(std::forward<Args>(args)...);  // first: it may lie in here
      Grow(size_ + 1);
      return *std::construct_at(data_ + size_++, made);
    }
    return *std::construct_at(data_ + size_++, std::forward<Args>(args)...);
  }
  // `values` may not lie in here.
  void Append(std::span<const T> values) {
    if (values.size() > capacity_ - size_) Grow(size_ + values.size());
    std::uninitialized_copy(values.begin(), values.end(), data_ + size_);
    size_ += values.size();
  }
  void resize(std::size_t count, const T& value = T()) {
    if (count > capacity_) {
      const T kept = value;
      Grow(count);
      return resize(count, kept);
    }
    if (count > size_) std::uninitialized_fill(data_ + size_, data_ + count, value);
    size_ = count;
  }
  void reserve(std::size_t count) {
    if (count > capacity_) Reallocate(count);
  }
  void pop_back() { --size_; }
  void clear() { size_ = 0; }

 private:
  static constexpr std::size_t kLarge = 2 * kHugePage;
  static constexpr std::size_t kMost = static_cast<std::size_t>(-1) / 4 / sizeof(T);

  static bool IsLarge(std::size_t count) { return count * sizeof(T) >= kLarge; }
  static std::size_t BytesOf(std::size_t count) { return WholeHugePages(count * sizeof(T)); }

  void Grow(std::size_t least) { Reallocate(std::max({least, 2 * capacity_, std::size_t{4}})); }
  void Reallocate(std::size_t count) {
    if (count > kMost) throw std::bad_array_new_length();
    T* moved = nullptr;
    if (capacity_ > 0 && IsLarge(capacity_)) {
      moved = static_cast<T*>(GrowLarge(data_, BytesOf(capacity_), BytesOf(count)));
    } else {
      void* const raw =
          IsLarge(count) ? MapLarge(BytesOf(count)) : ::operator new(count * sizeof(T));
      moved = static_cast<T*>(raw);
      std::uninitialized_copy(data_, data_ + size_, moved);
      Free(data_, capacity_);
    }
    data_ = moved;
    capacity_ = count;
  }
  static void Free(T* data, std::size_t capacity) {
    if (data == nullptr) return;
    if (IsLarge(capacity)) {
      UnmapLarge(data, BytesOf(capacity));
    } else {
      ::operator delete(data);
    }
  }
  void Swap(LargeVector& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  T* data_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_MODEL_LARGE_VECTOR_H_
