#include "detector/input/go_stack.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kMostMentioned = 32;
constexpr std::size_t kMostAncestors = 32;

bool IsLockCall(std::string_view f) {
  return f.find("sync.(*Mutex).") != f.npos || f.find("sync.(*RWMutex).") != f.npos;
}

}  // namespace

void GoStack::BeginStack(const GoHeader& h) {
  Reset();
  header = h;
  now.state = out.strings.Intern(h.state);
  now.labels = h.labels.empty() ? 0 : out.strings.Intern(h.labels);
  now.leaked = h.leaked;
  now.locked_to_thread = h.locked_to_thread;
  now.bubble = h.bubble;
  waits_for_lock = h.state == "semacquire" || h.state.starts_with("sync.");
  header.state = header.labels = {};
}

std::uint32_t GoStack::Frame(std::string_view function, std::string_view file, std::uint32_t line) {
  const std::uint64_t hash = absl::HashOf(absl::string_view(function.data(), function.size()),
                                          absl::string_view(file.data(), file.size()), line);
  const auto [it, fresh] = frame_index.try_emplace(hash, 0);
  if (fresh) {
    out.frames.push_back({out.strings.Intern(function), out.strings.Intern(file), line});
    it->second = static_cast<std::uint32_t>(out.frames.size() - 1);
  }
  return it->second;
}

void GoStack::Reset() {
  now.frames.clear();
  GoGroup fresh;
  std::swap(fresh.frames, now.frames);  // keeps its room
  now = std::move(fresh);
  creator_id = lock = 0;
  mentioned.clear();
  waits_for_lock = have_call = call_is_creator = call_is_bare = in_ancestor = false;
  creator_read = false;
}

void GoStack::AddFrame(std::string_view function, std::string_view file, std::uint32_t line) {
  if (in_ancestor) return;
  if (now.frames.size() < kMostGoFrames) now.frames.push_back(Frame(function, file, line));
}

// A call without a place: from a runtime that knew none.
void GoStack::FlushCall() {
  have_call = false;
  if (call_is_bare) {
    Unknown(call);
  } else if (!call_is_creator) {
    AddFrame(call, "", 0);
  }
  call_is_bare = false;
}

void GoStack::Arguments(std::string_view function, std::string_view arguments) {
  const bool is_lock = IsLockCall(function);
  bool first = true;
  for (std::size_t at = arguments.find("0x"); at != arguments.npos; at = arguments.find("0x", at)) {
    std::string_view text = arguments.substr(at);
    std::uint64_t value = 0;
    if (!TakeHex(text, value)) break;
    at = arguments.size() - text.size();
    const bool stale = !text.empty() && text.front() == '?';
    if (is_lock) {
      if (first && !stale && value > 4096) lock = value;
    } else if (!function.starts_with("sync.") && value > 4096 && !stale &&
               mentioned.size() < kMostMentioned) {
      mentioned.push_back(value);
    }
    first = false;
  }
}

bool GoStack::Creator(std::string_view line) {
  if (!line.starts_with("created by ")) return false;
  if (have_call) FlushCall();
  line.remove_prefix(11);
  const std::size_t in = line.rfind(" in goroutine ");
  if (in != line.npos) {
    std::string_view number = line.substr(in + 14);
    if (!in_ancestor) TakeNumber(number, creator_id);
    line = line.substr(0, in);
  }
  call.assign(line);
  call_is_creator = have_call = true;
  call_is_bare = false;
  return true;
}

void GoStack::Ancestor(std::string_view rest) {
  if (have_call) FlushCall();
  GoAncestor ancestor;
  if (TakeNumber(rest, ancestor.id) && now.ancestors.size() < kMostAncestors) {
    if (!in_ancestor && creator_id == 0) creator_id = ancestor.id;
    now.ancestors.push_back(ancestor);
  }
  in_ancestor = true;
  creator_read = false;
}

bool GoStack::Elision(std::string_view line) {
  if (!line.starts_with("...")) return false;
  line.remove_prefix(3);
  std::uint64_t number = 1;
  if (TakeNumber(line, number) || line.starts_with("additional frames elided")) {
    now.elided += static_cast<std::uint32_t>(number);
    return true;
  }
  return false;
}

// A place below a call. False if it is none.
bool GoStack::Place(std::string_view line) {
  std::string_view file;
  std::uint32_t number = 0;
  if (!have_call || !ParseGoPlace(Stripped(line), file, number)) return false;
  have_call = call_is_bare = false;
  creator_read = call_is_creator;
  if (!call_is_creator) {
    AddFrame(call, file, number);
  } else if (in_ancestor) {
    if (!now.ancestors.empty()) now.ancestors.back().creator = Frame(call, file, number);
  } else {
    now.creator = Frame(call, file, number);
    out.dumps.back().has_creators = true;
  }
  call_is_creator = false;
  return true;
}

void GoStack::Unknown(std::string_view line) {
  ++out.unknown_lines;
  if (out.unknown_examples.size() < 3)
    out.unknown_examples.emplace_back(PlainText(line.substr(0, 200)));
}

bool GoStack::StackLine(std::string_view line) {
  if ((line[0] == '\t' || line[0] == ' ') && Place(line)) return true;
  if (line[0] == '\t' || line[0] == ' ') {
    const std::string_view bare = Stripped(line);
    if (bare.starts_with("goroutine running on other thread")) return true;
    if (bare.starts_with("pc=")) return true;
    line = bare;
  }
  if (Creator(line) || Elision(line)) return true;
  if (!in_ancestor && creator_read && !line.starts_with("[originating from goroutine ")) {
    return false;
  }
  if (line.starts_with("[originating from goroutine ")) {
    Ancestor(line.substr(28));
    return true;
  }
  const std::size_t arguments = GoArguments(line);
  if (arguments != line.npos) {
    if (have_call) FlushCall();
    call.assign(line.substr(0, arguments));
    call_is_creator = call_is_bare = false;
    have_call = true;
    if (waits_for_lock && !in_ancestor) Arguments(call, line.substr(arguments));
    return true;
  }
  if (line.starts_with("non-Go function") || line.starts_with("0x") ||
      line.starts_with("runtime: ")) {
    return true;
  }
  if (EndsStack(line)) return false;
  if (!ParseCgo(line)) Unknown(line);
  return true;
}

// What tools and the runtime write below the last stack, without an empty line between.
bool GoStack::EndsStack(std::string_view line) {
  if (line.starts_with("exit status ") || line.starts_with("FAIL") || line == "PASS" ||
      line.starts_with("ok  \t") || line.starts_with("--- ") || line == "-----") {
    return true;
  }
  std::string_view name = line.substr(0, line.find(' '));  // rax    0x7f
  std::string_view value = Stripped(line.substr(name.size()));
  std::uint64_t number = 0;
  return name.size() < 8 && TakeHex(value, number) && value.empty();
}

// The name of a C function, without brackets, stands alone before its place.
bool GoStack::ParseCgo(std::string_view line) {
  if (line.empty() || line.find(' ') != line.npos) return false;
  if (have_call) FlushCall();
  call.assign(line);
  call_is_creator = false;
  have_call = call_is_bare = true;
  return true;
}

}  // namespace stranded::detector
