#include "detector/input/go_text.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "detector/input/go_forms.h"
#include "detector/input/go_lines.h"
#include "detector/input/go_records.h"
#include "detector/input/go_stack.h"
#include "detector/input/go_wrapped.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kLongestLine = 1 << 20;     // what is longer is looked at in pieces
constexpr std::size_t kLongestRecord = 64 << 10;  // what is longer is read line by line
constexpr std::size_t kMostLockWaiters = 10'000;

bool IsProfileHead(std::string_view line) { return line.find(" profile: total ") != line.npos; }

using GroupKey = std::vector<std::uint32_t>;

}  // namespace

struct GoTextReader::Impl : GoStack {
  std::uint32_t source;
  std::string rest;  // begin of a line whose end is still to come
  bool in_stack = false, new_dump = true, counted = false;
  bool only_header = false;  // nothing of the stack was read yet
  bool deadlock = false, timed_out = false, bubble = false;
  const char* died_of = nullptr;
  std::size_t prefix = 0;   // log text before each line
  std::string prefix_mark;  // what it ends with, behind its last digit: times differ in length
  absl::flat_hash_map<GroupKey, std::uint32_t> group_index;
  // Stacks that were read once, by their text.
  struct Known {
    std::uint32_t group = 0, unknown_lines = 0;
    bool locks = false;  // its pointers are of interest
  };
  absl::flat_hash_map<GoRecordHash, Known> known;
  std::uint32_t group = 0;                       // of the goroutine that was read last
  bool thread_section = false, skipped = false;  // see ThreadSection
  std::vector<std::uint64_t> pcs;
  GroupKey key;

  Impl(GoDumps& o, std::string_view s) : GoStack(o), source(o.strings.Intern(s)) {}

  GoDump& Dump() {
    if (new_dump) {
      out.dumps.emplace_back();
      out.dumps.back().source = source;
      group_index.clear();
      known.clear();
      new_dump = false;
    }
    GoDump& dump = out.dumps.back();
    dump.deadlock |= deadlock;
    dump.timed_out |= timed_out;
    if (died_of != nullptr) dump.died_of = died_of;
    dump.bubble_deadlock |= bubble;
    deadlock = timed_out = bubble = false;
    died_of = nullptr;
    return dump;
  }

  // The group of the goroutine that was read last.
  std::uint32_t GroupOf(GoDump& dump) {
    key = now.frames;
    for (const std::uint32_t part : {now.state, now.creator, now.bubble, now.hidden_frames,
                                     static_cast<std::uint32_t>(now.leaked) |
                                         static_cast<std::uint32_t>(now.locked_to_thread) << 1}) {
      key.push_back(part);
    }
    const auto it = group_index.find(key);
    if (it != group_index.end()) return it->second;
    const auto number = static_cast<std::uint32_t>(dump.groups.size());
    group_index.emplace(key, number);
    GoGroup& added = dump.groups.emplace_back(now);
    added.count = 0;
    return number;
  }

  void End(bool cut) {
    if (!in_stack) return;
    in_stack = false;
    if (have_call) FlushCall();
    if (skipped) return;
    GoDump& dump = out.dumps.back();
    dump.cut |= cut;
    group = GroupOf(dump);
    GoDump::AddLabels(dump.groups[group], now.labels);
    if (counted) {
      dump.groups[group].count += now.count;
      dump.count += now.count;
      return;
    }
    dump.Add({header.id, creator_id, group, header.minutes});
    if (lock != 0 && dump.lock_waiters.size() < kMostLockWaiters) {
      dump.lock_waiters.push_back({header.id, lock, group, mentioned});
    }
  }

  // An id that was there before begins a new dump; 0 is of the thread's own goroutines.
  bool Again(std::uint64_t id) const { return id != 0 && out.dumps.back().ids.Contains(id); }

  void Begin(const GoHeader& h) {
    End(false);
    if (thread_section && !new_dump && (h.id == 0 || (Again(h.id) && h.state == "running"))) {
      BeginStack({});
      in_stack = skipped = true;
      return;
    }
    counted = thread_section = false;
    if (!new_dump && Again(h.id)) new_dump = true;
    if (!new_dump && !out.dumps.back().has_states) new_dump = true;  // a debug=1 before
    GoDump& dump = Dump();
    dump.has_states = true;
    dump.ids.Insert(h.id);
    BeginStack(h);
    skipped = false;
    in_stack = only_header = true;
  }

  // --- debug=1
  bool CountedHead(std::string_view line) {
    std::string_view text = line;
    std::uint64_t count = 0, pc = 0;
    if (!TakeNumber(text, count) || !text.starts_with(" @")) return false;
    End(false);
    Reset();
    skipped = false;
    counted = in_stack = only_header = true;
    Dump().form = "debug=1";
    now.count = count;
    pcs.clear();
    text.remove_prefix(2);
    while (!text.empty() && text.front() == ' ') {
      text.remove_prefix(1);
      if (!TakeHex(text, pc)) break;
      pcs.push_back(pc);
    }
    return true;
  }

  void CountedLine(std::string_view line) {
    only_header = false;
    line.remove_prefix(1);
    const std::string_view text = Stripped(line);
    if (text.starts_with("labels:")) {
      now.labels = out.strings.Intern(Stripped(text.substr(7)));
      return;
    }
    std::string_view left = text;
    std::uint64_t pc = 0;
    std::string_view file;
    std::uint32_t number = 0;
    const std::size_t last = left.rfind('\t');
    if (!TakeHex(left, pc) || last == text.npos ||
        !ParseGoPlace(Stripped(text.substr(last)), file, number)) {
      return Unknown(text);
    }
    std::string_view function = Stripped(text.substr(0, last));
    function = Stripped(function.substr(std::min(function.find('\t'), function.size())));
    function = function.substr(0, function.rfind("+0x"));
    if (now.frames.empty()) {
      for (std::size_t i = 0; i < pcs.size(); ++i) {
        if (pcs[i] == pc || pcs[i] - 1 == pc) now.hidden_frames = static_cast<std::uint32_t>(i);
      }
    }
    AddFrame(function, file, number);
  }

  void ProfileHead(std::string_view line) {
    End(false);
    new_dump = true;
    GoDump& dump = Dump();
    dump.leak_profile = line.starts_with("goroutineleak ");
    std::string_view number = line.substr(line.find(" total ") + 7);
    TakeNumber(number, dump.announced);
  }

  void Preamble(std::string_view line) {
    ++out.other_lines;
    if (line.find("all goroutines are asleep - deadlock!") != line.npos) deadlock = new_dump = true;
    if (line.find("main bubble goroutine has exited") != line.npos ||
        line.find("all goroutines in bubble are blocked") != line.npos) {
      bubble = new_dump = true;
    }
    if (line.find("panic: test timed out after") != line.npos) timed_out = new_dump = true;
    ThreadSection(line);
    if (thread_section) return;
    constexpr std::pair<std::string_view, const char*> kDeaths[] = {
        {"panic: ", "a panic"},
        {"fatal error: ", "a fatal error"},
        {"SIGQUIT: ", "SIGQUIT"},
        {"SIGABRT: ", "SIGABRT"}};
    for (const auto& [begin, what] : kDeaths) {
      if (!line.starts_with(begin)) continue;
      died_of = what;
      new_dump = true;
    }
  }

  // With GOTRACEBACK=crash each thread adds a section of its own after the dump: its own stack, and
  // that of the goroutine on it, which was in the dump already.
  void ThreadSection(std::string_view line) {
    if (line == "-----" && !out.dumps.empty() && !new_dump) {
      thread_section = true;
    } else if (!line.starts_with("SIG") && !line.starts_with("PC=") && !EndsStack(line)) {
      thread_section = false;
    }
  }

  // The line without what a log collector wrote before each.
  std::string_view Unprefixed(std::string_view line) {
    constexpr std::size_t kPlay = 16;
    if (prefix == 0) return line;
    if (!prefix_mark.empty()) {
      const std::size_t at = line.find(
          prefix_mark, prefix - prefix_mark.size() - std::min(kPlay, prefix - prefix_mark.size()));
      if (at != line.npos && at + prefix_mark.size() <= prefix + kPlay) {
        return line.substr(at + prefix_mark.size());
      }
    }
    return line.size() >= prefix ? line.substr(prefix) : std::string_view();
  }

  bool HeaderAnywhere(std::string_view line, GoHeader& h) {
    const std::size_t at = line.find("goroutine ");
    if (at > 200) return false;  // or npos
    if (!ParseGoHeader(line.substr(at), h)) return false;
    if (at > 0 && line[at - 1] != ' ' && line[at - 1] != '\t' && line[at - 1] != '|') return false;
    prefix = at;
    const std::string_view before = line.substr(0, at);
    const std::size_t digit = before.find_last_of("0123456789");
    prefix_mark = before.substr(digit == before.npos ? before.size() : digit + 1);
    return true;
  }

  // A line of a log collector's holds one of the dump, or all of it. What holds none is passed
  // over.
  bool Wrapped(std::string_view line) {
    std::string text;
    if (!line.starts_with("{\"")) return false;
    if (!UnwrapJsonLine(line, text)) return !in_stack || line.back() == '}';
    std::string_view left = text;
    do {
      const std::size_t end = std::min(left.find('\n'), left.size());
      PlainLine(left.substr(0, end));
      left.remove_prefix(std::min(end + 1, left.size()));
    } while (!left.empty());
    return true;
  }

  void Line(std::string_view line) {
    line = WithoutMark(line);
    if (Wrapped(line)) {
      ++out.other_lines;
    } else {
      PlainLine(line);
    }
  }

  void PlainLine(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    GoHeader h;
    // Inside of a stack without log text before it, only a line's first letter needs a look.
    const bool plain = in_stack && !counted && prefix == 0;
    if ((!plain || line.starts_with('g')) && HeaderAnywhere(line, h)) return Begin(h);
    if (!in_stack || counted) {
      if (IsProfileHead(line)) return ProfileHead(line);
      if (!new_dump && !out.dumps.back().has_states) {
        if (CountedHead(line)) return;
        if (in_stack && !line.empty() && line[0] == '#') return CountedLine(line);
        if (line.empty()) return End(false);
      }
      if (!line.empty()) {
        End(false);
        Preamble(line);
      }
      return;
    }
    line = Unprefixed(line);
    if (Stripped(line).empty()) return End(false);
    only_header = false;
    if (StackLine(line)) return;
    End(false);
    Preamble(line);
  }

  // The text is over. A last line without its end is normal; a header that is not whole or has no
  // stack, and a call without its place, are not.
  void Finish() {
    rest.erase(0, Read(rest, true));
    const bool line_cut = !rest.empty();
    const std::uint64_t unknown = out.unknown_lines;
    const bool header_cut = line_cut && BeginsGoHeader(Unprefixed(rest));
    if (header_cut) {
      End(false);
      if (!out.dumps.empty()) out.dumps.back().cut = true;
    } else if (line_cut) {
      Line(rest);
    }
    rest.clear();
    const bool half_a_frame = counted && out.unknown_lines > unknown;
    End(only_header || AwaitsPlace() || (line_cut && (have_call || half_a_frame)));
  }

  // --- whole records
  // Counts a goroutine whose stack is known. False if it is not.
  bool Count(const GoRecord& record) {
    const auto it = known.find(record.hash);
    if (it == known.end()) return false;
    GoDump& dump = out.dumps.back();
    if (it->second.locks && dump.lock_waiters.size() < kMostLockWaiters) return false;
    if (!dump.ids.Insert(record.id)) return false;
    GoGroup& known_group = dump.groups[it->second.group];
    if (known_group.labels != 0 || !record.labels.empty()) AddLabels(known_group, record.labels);
    out.unknown_lines += it->second.unknown_lines;
    dump.Add({record.id, record.creator, it->second.group, record.minutes});
    return true;
  }

  void AddLabels(GoGroup& to, std::string_view labels) {
    if (to.other_labels) return;
    GoDump::AddLabels(to, labels.empty() ? 0 : out.strings.Intern(labels));
  }

  // A record that is read line by line, to be known from now on.
  void Learn(std::string_view text, const GoRecord& record) {
    const std::uint64_t unknown = out.unknown_lines;
    for (text = text.substr(0, record.size); !text.empty();) {
      const std::size_t end = text.find('\n');
      Line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    if (out.dumps.empty() || header.id != record.id) return;
    const GoDump& dump = out.dumps.back();
    // Where texts differ in more than was expected, memory must not follow the file.
    if (known.size() > 4 * dump.groups.size() + 4096) return;
    known.emplace(record.hash,
                  Known{group, static_cast<std::uint32_t>(out.unknown_lines - unknown), lock != 0});
  }

  // How much of the text was used. What is left is a record or a line that is not whole.
  std::size_t Read(std::string_view text, bool last) {
    const std::size_t size = text.size();
    while (!text.empty()) {
      if (!in_stack && text.starts_with("goroutine ")) {
        GoRecord record;
        const GoScan scan = ScanGoRecord(text, record);
        if (scan == GoScan::kIncomplete && !last && text.size() < kLongestRecord) break;
        if (scan == GoScan::kWhole) {
          if (new_dump || prefix != 0 || counted || !Count(record)) Learn(text, record);
          text.remove_prefix(record.size);
          continue;
        }
      }
      const std::size_t end = text.find('\n');
      if (end == text.npos && text.size() <= kLongestLine) break;
      const bool whole = end <= kLongestLine;  // npos is not
      const std::size_t length = whole ? end : kLongestLine;
      Line(text.substr(0, length));
      text.remove_prefix(whole ? length + 1 : length);
    }
    return size - text.size();
  }
};

GoTextReader::GoTextReader(GoDumps& out, std::string_view source)
    : impl_(std::make_unique<Impl>(out, source)) {}
GoTextReader::~GoTextReader() = default;

void GoTextReader::Feed(std::string_view chunk) {
  std::string& rest = impl_->rest;
  while (!rest.empty() && !chunk.empty()) {
    // Complete the record that is begun; what comes after it is read where it lies.
    const bool ends = rest.back() == '\n' && chunk.front() == '\n';
    const std::size_t empty_line = ends ? 0 : chunk.find("\n\n");
    const bool whole = empty_line != chunk.npos;
    const std::size_t used = whole ? empty_line + (ends ? 1 : 2) : chunk.size();
    rest.append(chunk.substr(0, used));
    chunk.remove_prefix(used);
    if (!whole && rest.size() < kLongestRecord) return;
    rest.erase(0, impl_->Read(rest, false));
  }
  if (!chunk.empty()) rest.assign(chunk.substr(impl_->Read(chunk, false)));
}

void GoTextReader::Finish() { impl_->Finish(); }

}  // namespace stranded::detector
