#include "detector/input/plain_names.h"

#include <initializer_list>

#include "absl/strings/str_cat.h"

namespace stranded::detector {
namespace {

// Bytes of the control character that begins at `i`; 0 if it is another.
std::size_t ControlAt(std::string_view text, std::size_t i) {
  const auto byte = static_cast<unsigned char>(text[i]);
  if (byte < 0x20 || byte == 0x7f) return 1;
  if (byte != 0xC2 || i + 1 == text.size()) return 0;
  const auto second = static_cast<unsigned char>(text[i + 1]);
  return second >= 0x80 && second < 0xA0 ? 2 : 0;
}

class Cleaner {
 public:
  explicit Cleaner(ByteArena& arena) : arena_(arena) {}

  void Clean(Snapshot& s) const {
    All({&s.reason, &s.label, &s.loss.note});
    for (Task& t : s.tasks.all()) All({&t.name});
    for (SpawnNode& n : s.spawns.all()) All({&n.name});
    for (Context& c : s.contexts.all()) {
      All({&c.creator_name, &c.ended_by_name, &c.cause, &c.key_type, &c.value_text});
    }
    for (Channel& c : s.channels.all()) {
      All({&c.elem_type, &c.closed_by_name, &c.creator_name, &c.last_sender.name,
           &c.last_receiver.name});
    }
    for (Sync& v : s.syncs.all()) {
      All({&v.holder_name, &v.last_add.name, &v.last_done.name, &v.last_signal.name});
    }
    for (World& w : s.worlds.all()) All({&w.policy, &w.name});
    for (Scope& v : s.scopes.all()) All({&v.name});
    for (auto& [task, note] : s.stack_notes) All({&note});
  }
  void All(std::initializer_list<std::string_view*> texts) const {
    for (std::string_view* text : texts) {
      if (!IsPlain(*text)) *text = arena_.Keep(PlainText(*text));
    }
  }

 private:
  ByteArena& arena_;
};

}  // namespace

bool IsPlain(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (ControlAt(text, i) > 0) return false;
  }
  return true;
}

std::string PlainText(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = ControlAt(text, i);
    const auto last = static_cast<unsigned char>(text[i + (bytes == 2 ? 1 : 0)]);
    if (bytes == 0) {
      out += text[i++];
      continue;
    }
    if (last == '\n') {
      out += "\\n";
    } else if (last == '\t') {
      out += "\\t";
    } else {
      absl::StrAppend(&out, "\\x", absl::Hex(last, absl::kZeroPad2));
    }
    i += bytes;
  }
  return out;
}

void MakePlain(Dump& dump) {
  const Cleaner cleaner(dump.packets_kept);
  cleaner.All({&dump.producer, &dump.program, &dump.record_level});
  for (auto& [id, site] : dump.sites) cleaner.All({&site.file, &site.function});
  for (Snapshot& snapshot : dump.snapshots) cleaner.Clean(snapshot);
}

}  // namespace stranded::detector
