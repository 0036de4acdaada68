// A map that forgets what was not used for long.
//
// Overview: two generations; when the younger one is full the older one goes. What is used comes
// back into the younger one, so at least the `most` / 2 entries used last are there. References
// are valid until the next call.
#ifndef STRANDED_DETECTOR_RULES_RECENT_MAP_H_
#define STRANDED_DETECTOR_RULES_RECENT_MAP_H_

#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace stranded::detector {

template <class Key, class Value>
class RecentMap {
 public:
  explicit RecentMap(std::size_t most) : half_(most / 2) {}

  // nullptr if it is not there.
  Value* Find(const Key& key) {
    if (const auto it = young_.find(key); it != young_.end()) return &it->second;
    if (old_.empty()) return nullptr;
    const auto it = old_.find(key);
    if (it == old_.end()) return nullptr;
    Value value = std::move(it->second);
    old_.erase(it);
    return &Add(key, std::move(value));
  }
  Value& operator[](const Key& key) {
    Value* known = Find(key);
    return known != nullptr ? *known : Add(key, Value());
  }
  std::size_t size() const { return young_.size() + old_.size(); }

 private:
  Value& Add(const Key& key, Value value) {
    if (young_.size() >= half_) {
      old_ = std::move(young_);
      young_.clear();
    }
    return young_.insert_or_assign(key, std::move(value)).first->second;
  }

  const std::size_t half_;
  absl::flat_hash_map<Key, Value> young_, old_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_RECENT_MAP_H_
