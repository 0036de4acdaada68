// Copies of bytes that stay where they are.
#ifndef STRANDED_DETECTOR_MODEL_BYTE_ARENA_H_
#define STRANDED_DETECTOR_MODEL_BYTE_ARENA_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace stranded::detector {

class ByteArena {
 public:
  // The copy lives as long as the arena.
  std::string_view Keep(std::string_view bytes) {
    if (bytes.size() > room_) {
      room_ = std::max(kBlock, bytes.size());
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(room_));
      next_ = blocks_.back().get();
    }
    if (!bytes.empty()) std::memcpy(next_, bytes.data(), bytes.size());
    const std::string_view kept(next_, bytes.size());
    next_ += bytes.size();
    room_ -= bytes.size();
    size_ += bytes.size();
    return kept;
  }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kBlock = 256 << 10;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  std::size_t room_ = 0, size_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_MODEL_BYTE_ARENA_H_
