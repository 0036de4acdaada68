// Batches of events: one message for each event up to version 1.0, columns of differences since.
#include <algorithm>

#include "detector/input/decode.h"
#include "detector/model/event_kind.h"
#include "stranded/dump_format.h"

namespace stranded::detector {
namespace {

Event ReadEvent(const data_view& bytes) {
  using Tag = dump::EventTag;
  Event v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kKind: v.kind = static_cast<std::uint16_t>(m.get_enum()); break;
      case Tag::kTask: v.task = m.get_uint64(); break;
      case Tag::kObject: v.object = m.get_uint64(); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kTimeNs: v.time_ns = m.get_int64(); break;
      case Tag::kArg: v.arg = m.get_uint64(); break;
      default: m.skip();
    }
  }
  return v;
}

struct ColumnTooShort : protozero::exception {
  const char* what() const noexcept override { return "an event lacks its entry in a column"; }
};

// A packed field that is read entry by entry. Most take one byte.
class Column {
 public:
  void Set(const data_view& bytes) {
    at_ = bytes.data();
    end_ = at_ + bytes.size();
  }
  std::uint64_t Next() {
    if (at_ == end_) throw ColumnTooShort();
    if (*at_ >= 0) return static_cast<std::uint64_t>(*at_++);
    return protozero::decode_varint(&at_, end_);
  }
  std::uint64_t Signed() { return static_cast<std::uint64_t>(protozero::decode_zigzag64(Next())); }
  // Entries are differences.
  std::uint64_t Step(std::uint64_t& last) { return last += Signed(); }
  bool empty() const { return at_ == end_; }

 private:
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

class Columns {
 public:
  Column what, site, task, object, time, arg;

  void ReadInto(std::uint16_t ring, LargeVector<Event>& out) {
    while (!what.empty()) {
      const auto bits = static_cast<std::uint32_t>(what.Next());
      Event e;
      e.ring = ring;
      e.kind = static_cast<std::uint16_t>(bits & dump::kEventKindMask);
      e.task = task.Step(last_task_);
      e.site = static_cast<SiteId>(site.Next());
      if ((bits & dump::kEventHasObject) != 0) e.object = object.Step(last_object_);
      if ((bits & dump::kEventHasTime) != 0) time.Step(last_time_);
      e.time_ns = static_cast<std::int64_t>(last_time_);
      if ((bits & dump::kEventHasArg) != 0) {
        const bool names_task = e.kind == event_kind::kSpawn || e.kind == event_kind::kWake;
        e.arg = names_task ? arg.Step(last_named_) : arg.Signed();
      }
      out.push_back(e);
    }
  }

 private:
  std::uint64_t last_task_ = 0, last_object_ = 0, last_named_ = 0, last_time_ = 0;
};

void ReadBatch(const data_view& bytes, LargeVector<Event>& out) {
  using Tag = dump::EventBatchTag;
  Message<Tag> m(bytes);
  std::uint16_t ring = 0;
  Columns columns;
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kRing: ring = static_cast<std::uint16_t>(std::min(m.get_uint32(), 0xffffU)); break;
      case Tag::kEvent:
        out.push_back(ReadEvent(m.get_view()));
        out.back().ring = ring;
        break;
      case Tag::kWhat: columns.what.Set(m.get_view()); break;
      case Tag::kTask: columns.task.Set(m.get_view()); break;
      case Tag::kSite: columns.site.Set(m.get_view()); break;
      case Tag::kObject: columns.object.Set(m.get_view()); break;
      case Tag::kTimeNs: columns.time.Set(m.get_view()); break;
      case Tag::kArg: columns.arg.Set(m.get_view()); break;
      default: m.skip();
    }
  }
  columns.ReadInto(ring, out);
}

}  // namespace

bool ReadEvents(const data_view& bytes, LargeVector<Event>& out) {
  try {
    ReadBatch(bytes, out);
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

bool ReadEventPacket(std::string_view packet, LargeVector<Event>& out) {
  try {
    Message<dump::PacketTag> m(packet.data(), packet.size());
    while (m.next()) {
      if (m.tag() == dump::PacketTag::kEvents) return ReadEvents(m.get_view(), out);
      m.skip();
    }
  } catch (const protozero::exception&) {
    return false;
  }
  return true;
}

std::size_t CountOfEvents(std::string_view packet) {
  using Tag = dump::EventBatchTag;
  try {
    Reader m(packet.data(), packet.size());
    if (!m.next()) return 0;
    Message<Tag> batch(m.get_view());
    while (batch.next()) {
      if (batch.tag() != Tag::kWhat) {
        batch.skip();
        continue;
      }
      // One number for each event, and in each the last byte has no top bit.
      const data_view what = batch.get_view();
      return static_cast<std::size_t>(std::count_if(what.data(), what.data() + what.size(),
                                                    [](char c) { return (c & 0x80) == 0; }));
    }
  } catch (const protozero::exception&) {
    return 0;
  }
  return 0;
}

}  // namespace stranded::detector
