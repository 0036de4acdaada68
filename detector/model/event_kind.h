// The kinds of event as the numbers by which Event::kind holds them: a newer dump may have others.
#ifndef STRANDED_DETECTOR_MODEL_EVENT_KIND_H_
#define STRANDED_DETECTOR_MODEL_EVENT_KIND_H_

#include <cstdint>

#include "stranded/internal/event_kind.h"

namespace stranded::detector::event_kind {

constexpr std::uint32_t NumberOf(internal::EventKind kind) {
  return static_cast<std::uint32_t>(kind);
}

inline constexpr std::uint32_t kNone = NumberOf(internal::EventKind::kNone);
inline constexpr std::uint32_t kSpawn = NumberOf(internal::EventKind::kSpawn);
inline constexpr std::uint32_t kStart = NumberOf(internal::EventKind::kStart);
inline constexpr std::uint32_t kFinish = NumberOf(internal::EventKind::kFinish);
inline constexpr std::uint32_t kPark = NumberOf(internal::EventKind::kPark);
inline constexpr std::uint32_t kWake = NumberOf(internal::EventKind::kWake);
inline constexpr std::uint32_t kSend = NumberOf(internal::EventKind::kSend);
inline constexpr std::uint32_t kRecv = NumberOf(internal::EventKind::kRecv);
inline constexpr std::uint32_t kClose = NumberOf(internal::EventKind::kClose);
inline constexpr std::uint32_t kCancel = NumberOf(internal::EventKind::kCancel);
inline constexpr std::uint32_t kLock = NumberOf(internal::EventKind::kLock);
inline constexpr std::uint32_t kUnlock = NumberOf(internal::EventKind::kUnlock);
inline constexpr std::uint32_t kPass = NumberOf(internal::EventKind::kPass);

}  // namespace stranded::detector::event_kind

#endif  // STRANDED_DETECTOR_MODEL_EVENT_KIND_H_
