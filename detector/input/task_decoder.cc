// Tasks and their waits.
#include "detector/input/decode.h"
#include "stranded/dump_format.h"

namespace stranded::detector {
namespace {

constexpr std::uint16_t kMostParts = 0xffff;  // writers stay far below

WaitCase ReadCase(const data_view& bytes) {
  using Tag = dump::WaitCaseTag;
  WaitCase v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kOp: v.op = Enum(m.get_enum(), CaseOp::kDefault); break;
      case Tag::kChannel: v.channel = m.get_uint64(); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kContext: v.context = m.get_uint64(); break;
      default: m.skip();
    }
  }
  return v;
}

HeldLock ReadHeld(const data_view& bytes) {
  using Tag = dump::HeldLockTag;
  HeldLock v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kSync: v.sync = m.get_uint64(); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kShared: v.shared = m.get_bool(); break;
      default: m.skip();
    }
  }
  return v;
}

void ReadWait(const data_view& bytes, Task& v, Snapshot& s) {
  using Tag = dump::WaitTag;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kKind: v.wait = Enum(m.get_enum(), WaitKind::kLeakCheck); break;
      case Tag::kSite: v.wait_site = m.get_uint32(); break;
      case Tag::kSinceNs: v.since_ns = m.get_int64(); break;
      case Tag::kUntilNs: v.until_ns = m.get_int64(); break;
      case Tag::kCases:
        if (v.case_count == kMostParts) throw protozero::invalid_length_exception();
        s.cases.push_back(ReadCase(m.get_view()));
        ++v.case_count;
        break;
      case Tag::kSync: v.sync = m.get_uint64(); break;
      case Tag::kTask: v.join_task = m.get_uint64(); break;
      case Tag::kParkCount: v.park_count = m.get_uint64(); break;
      case Tag::kRange: v.range = m.get_bool(); break;
      default: m.skip();
    }
  }
}

void ReadLastOp(const data_view& bytes, Task& v) {
  using Tag = dump::LastOpTag;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kKind: v.last_op = Enum(m.get_enum(), WaitKind::kLeakCheck); break;
      case Tag::kSite: v.last_site = m.get_uint32(); break;
      default: m.skip();
    }
  }
}

}  // namespace

Task ReadTask(const data_view& bytes, Snapshot& s) {
  using Tag = dump::TaskTag;
  Task v;
  std::string_view note;
  v.first_case = static_cast<std::uint32_t>(s.cases.size());
  v.first_held = static_cast<std::uint32_t>(s.held.size());
  v.first_frame = static_cast<std::uint32_t>(s.frames.size());
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kId: v.id = m.get_uint64(); break;
      case Tag::kName: v.name = View(m.get_view()); break;
      case Tag::kSpawn: v.spawn = m.get_uint64(); break;
      case Tag::kContext: v.context = m.get_uint64(); break;
      case Tag::kState: v.state = Enum(m.get_enum(), TaskState::kFinished); break;
      case Tag::kKind: v.is_thread = m.get_enum() == 1; break;
      case Tag::kDaemon: v.daemon = m.get_bool(); break;
      case Tag::kPinned: v.pinned = m.get_bool(); break;
      case Tag::kIsMain: v.is_main = m.get_bool(); break;
      case Tag::kWorld: v.world = m.get_uint64(); break;
      case Tag::kScope: v.scope = m.get_uint64(); break;
      case Tag::kCreatedNs: v.created_ns = m.get_int64(); break;
      case Tag::kWait: ReadWait(m.get_view(), v, s); break;
      case Tag::kLastOp: ReadLastOp(m.get_view(), v); break;
      case Tag::kHeld:
        if (v.held_count == kMostParts) throw protozero::invalid_length_exception();
        s.held.push_back(ReadHeld(m.get_view()));
        ++v.held_count;
        break;
      case Tag::kPcs:
        for (const std::uint64_t pc : m.get_packed_fixed64()) {
          if (v.frame_count == kMostParts) throw protozero::invalid_length_exception();
          s.frames.push_back(pc);
          ++v.frame_count;
        }
        break;
      case Tag::kGroup: v.group = m.get_uint64(); break;
      case Tag::kHasSpawned: v.has_spawned = m.get_bool(); break;
      case Tag::kStackNote: note = View(m.get_view()); break;
      default: m.skip();
    }
  }
  if (!note.empty()) s.stack_notes[v.id] = note;
  return v;
}

}  // namespace stranded::detector
