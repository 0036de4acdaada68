// Which objects of a snapshot are alike.
//
// Overview: what an object has in common with others is put into words that are equal or not, its
// shape. The first few of a shape are written as packets of their own, which people can read in a
// dump of few shapes; later ones are rows of a batch that names the first. Thread safety: none; it
// allocates. Invariants: whoever is named as a model was to be written alone.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_KNOWN_SHAPES_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_KNOWN_SHAPES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace stranded::internal {

struct RowShape {
  static constexpr std::size_t kMost = 32;
  static constexpr std::size_t kLongestText = 32;
  std::size_t count = 0;
  std::array<std::uint64_t, kMost> words;  // the first `count`

  void Add(std::uint64_t word) { words[count++] = word; }
  // Sites are equal if they are one object of the compiler's; two objects for one place only make
  // two shapes.
  void Add(const std::source_location& site) {
    std::uint64_t word = 0;
    static_assert(sizeof site <= sizeof word);
    std::memcpy(&word, &site, sizeof site);
    Add(word);
  }
  void Add(const void* address) { Add(reinterpret_cast<std::uintptr_t>(address)); }
  // Of kLongestText bytes at the most. The caller adds its length.
  void AddText(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, std::min(sizeof word, text.size() - at));
      Add(word);
    }
  }
  bool operator==(const RowShape& other) const {
    return count == other.count &&
           std::equal(words.begin(), words.begin() + count, other.words.begin());
  }
  // Few instructions: it is told for each object.
  std::uint64_t Hash() const {
    std::uint64_t hash = count;
    for (std::size_t i = 0; i < count; ++i) {
      hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 32;
    }
    return hash;
  }
};

class KnownShapes {
 public:
  // So many of each shape are written alone, at the least.
  explicit KnownShapes(int alone = 1) : alone_(alone) {}

  // The first object of that shape; 0: `id` is to be written alone.
  std::uint64_t LikeOf(const RowShape& shape, std::uint64_t id) {
    const auto [number, fresh] =
        numbers_.try_emplace(shape.Hash(), static_cast<std::uint32_t>(known_.size()));
    if (fresh) {
      if (known_.size() < kMostShapes) {
        const int alone = known_.size() < kFewShapes ? kAloneOfFew : kAlone;
        known_.push_back({id, std::max(alone, alone_) - 1, shape});
      } else {
        numbers_.erase(number);
      }
      return 0;
    }
    Known& known = known_[number->second];
    if (!(known.shape == shape)) return 0;  // two with one hash: the second one stays alone
    if (known.alone == 0) return known.first;
    --known.alone;
    return 0;
  }

 private:
  static constexpr std::size_t kMostShapes = 1 << 16;
  // Of few shapes more objects are written alone.
  static constexpr std::size_t kFewShapes = 64;
  static constexpr int kAloneOfFew = 8, kAlone = 2;

  // What each of its objects needs lies together: the walk leaves little of it in the cache.
  struct Known {
    std::uint64_t first = 0;
    int alone = 0;  // how many more are to be written alone
    RowShape shape;
  };
  const int alone_;
  std::vector<Known> known_;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> numbers_;  // of known shapes, by hash
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_KNOWN_SHAPES_H_
