#include "runtime_hooks/registry/growing_mapping.h"

#include <algorithm>

namespace stranded::internal {

char* GrowingMapping::Cut(std::size_t bytes) {
  SpinGuard guard(lock_);
  if (static_cast<std::size_t>(unused_end_ - unused_) < bytes) return nullptr;
  char* const piece = unused_;
  unused_ += bytes;
  return piece;
}

char* GrowingMapping::Take(std::size_t bytes, std::size_t least, std::size_t most) {
  if (char* piece = Cut(bytes)) return piece;
  const std::lock_guard mapping(mapping_);
  if (char* piece = Cut(bytes)) return piece;  // somebody else has mapped
  std::size_t size = std::max(bytes, std::clamp(mapped_, least, most));
  char* memory = map_(size);
  if (memory == nullptr && size > bytes) {
    size = bytes;  // others need some, too
    memory = map_(size);
  }
  if (memory == nullptr) return nullptr;
  mapped_ += size;
  SpinGuard guard(lock_);
  unused_ = memory + bytes;
  unused_end_ = memory + size;
  return memory;
}

}  // namespace stranded::internal
