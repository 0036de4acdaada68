// The events of a snapshot, wherever they are.
//
// Overview: either decoded, in memory, or left encoded in their dump: each reader then has them
// decoded anew, a batch at a time, and memory does not follow their number. A reader cannot tell
// the difference. Thread safety: any number of threads may read. Cost: some ten nanoseconds for
// each encoded event and reader; what Note() gathers costs nothing to ask.
#ifndef STRANDED_DETECTOR_MODEL_EVENT_LOG_H_
#define STRANDED_DETECTOR_MODEL_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "absl/functional/function_ref.h"
#include "detector/model/large_vector.h"
#include "detector/model/site_renaming.h"

namespace stranded::detector {

struct Event {
  std::uint64_t task = 0, object = 0;
  std::int64_t time_ns = 0;
  std::uint64_t arg = 0;
  SiteId site = 0;
  std::uint16_t kind = 0, ring = 0;
};

// Encoded events.
class EventStore {
 public:
  virtual ~EventStore() = default;
  // Decodes them in order, beginning with number `first`, until `use` returns false. A batch is
  // valid, and may be changed, during the call.
  virtual void Read(std::size_t first,
                    absl::FunctionRef<bool(std::span<Event> batch)> use) const = 0;
};

class EventLog {
 public:
  // One of the two ways, for all batches of a log.
  void Keep(std::span<const Event> events);
  void LeaveIn(std::shared_ptr<const EventStore> store, std::span<const Event> events);

  void Reserve(std::size_t count) { kept_.reserve(count); }
  void RenameSites(const std::shared_ptr<const SiteRenaming>& renaming);

  // f(event) for each in order, beginning with number `first`; if f returns a bool, until false.
  template <class F>
  void ForEach(F&& f, std::size_t first = 0) const {
    ForEachBatch(first, [&f](std::span<const Event> batch) {
      for (const Event& e : batch) {
        if constexpr (std::is_void_v<std::invoke_result_t<F&, const Event&>>) {
          f(e);
        } else if (!f(e)) {
          return false;
        }
      }
      return true;
    });
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Of any event? For kinds below 64.
  bool HasKind(std::uint32_t kind) const { return (kinds_ >> kind & 1) != 0; }
  bool OneRing() const { return one_ring_; }
  // Those in memory: all or none.
  const LargeVector<Event>& kept() const { return kept_; }

 private:
  void Note(std::span<const Event> events);
  void ForEachBatch(std::size_t first, absl::FunctionRef<bool(std::span<const Event>)> use) const;

  LargeVector<Event> kept_;
  std::shared_ptr<const EventStore> store_;
  std::shared_ptr<const SiteRenaming> renaming_;  // of what the store gives
  std::size_t size_ = 0;
  std::uint64_t kinds_ = 0;
  std::uint16_t ring_ = 0;
  bool one_ring_ = true;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_MODEL_EVENT_LOG_H_
