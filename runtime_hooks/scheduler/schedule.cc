#include "runtime_hooks/scheduler/schedule.h"

#include <charconv>

namespace stranded::internal {
namespace {

bool TakeNumber(std::string_view* text, std::uint32_t* number) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<std::size_t>(end - text->data()));
  return true;
}

bool TakeChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

bool TakeDeviation(std::string_view* text, Deviation* d) {
  if (!TakeNumber(text, &d->task) || !TakeChar(text, '.') || !TakeNumber(text, &d->step) ||
      text->empty()) {
    return false;
  }
  const char kind = text->front();
  text->remove_prefix(1);
  if (kind != Deviation::kTask && kind != Deviation::kNumber && kind != Deviation::kTimer) {
    return false;
  }
  d->kind = static_cast<Deviation::Kind>(kind);
  return kind == Deviation::kTimer || TakeNumber(text, &d->value);
}

}  // namespace

std::string ScheduleText(const std::vector<Deviation>& schedule) {
  if (schedule.empty()) return "-";
  std::string text;
  for (const Deviation& d : schedule) {
    if (!text.empty()) text += ',';
    text += std::to_string(d.task) + '.' + std::to_string(d.step) + static_cast<char>(d.kind);
    if (d.kind != Deviation::kTimer) text += std::to_string(d.value);
  }
  return text;
}

std::optional<std::vector<Deviation>> ParseSchedule(std::string_view text) {
  std::vector<Deviation> schedule;
  if (text == "-") return schedule;
  do {
    Deviation d;
    if (!TakeDeviation(&text, &d)) return std::nullopt;
    schedule.push_back(d);
  } while (TakeChar(&text, ','));
  if (!text.empty()) return std::nullopt;
  return schedule;
}

}  // namespace stranded::internal
