#include "detector/model/event_log.h"

#include <utility>

namespace stranded::detector {

void EventLog::Note(std::span<const Event> events) {
  if (events.empty()) return;
  if (size_ == 0) ring_ = events.front().ring;
  for (const Event& e : events) {
    kinds_ |= e.kind < 64 ? std::uint64_t{1} << e.kind : 0;
    one_ring_ &= e.ring == ring_;
  }
  size_ += events.size();
}

void EventLog::Keep(std::span<const Event> events) {
  Note(events);
  kept_.Append(events);
}

void EventLog::LeaveIn(std::shared_ptr<const EventStore> store, std::span<const Event> events) {
  Note(events);
  store_ = std::move(store);
}

void EventLog::RenameSites(const std::shared_ptr<const SiteRenaming>& renaming) {
  renaming_ = renaming;
  for (Event& e : kept_) e.site = renaming->Of(e.site);
}

void EventLog::ForEachBatch(std::size_t first,
                            absl::FunctionRef<bool(std::span<const Event>)> use) const {
  if (store_ == nullptr) {
    if (first < kept_.size()) use(std::span<const Event>(kept_).subspan(first));
    return;
  }
  store_->Read(first, [&](std::span<Event> batch) {
    if (renaming_ != nullptr) {
      for (Event& e : batch) e.site = renaming_->Of(e.site);
    }
    return use(batch);
  });
}

}  // namespace stranded::detector
