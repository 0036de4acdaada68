#include "runtime_hooks/scheduler/patches.h"

#include <charconv>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "stranded/internal/explore_support.h"

namespace stranded::internal {

std::atomic<bool> any_patches{false};

// A thread that has nothing to do with those who set them may be reading: whatever was in force
// stays, in a list for leak checkers. Release and acquire: what is in it.
struct PatchesInForce {
  std::deque<Patch> patches;
  const PatchesInForce* before = nullptr;
};

namespace {

std::atomic<const PatchesInForce*> in_force{nullptr};  // null: none

const std::deque<Patch>& Current() {
  static const auto& none = *new std::deque<Patch>;
  const PatchesInForce* const now = in_force.load(std::memory_order_acquire);
  return now == nullptr ? none : now->patches;
}

const PatchesInForce* Keep(std::deque<Patch> patches) {
  static std::atomic<const PatchesInForce*> kept{nullptr};  // relaxed: one thread sets them
  if (patches.empty()) return nullptr;
  const auto* made = new PatchesInForce{std::move(patches), kept.load(std::memory_order_relaxed)};
  kept.store(made, std::memory_order_relaxed);
  return made;
}

struct Named {
  std::string_view name;
  PatchKind kind;
};
constexpr Named kNames[] = {{"capacity", PatchKind::kCapacity}, {"context", PatchKind::kContext},
                            {"giveup", PatchKind::kGiveUp},     {"close", PatchKind::kClose},
                            {"cancel", PatchKind::kCancel},     {"release", PatchKind::kRelease},
                            {"done", PatchKind::kDone},         {"signal", PatchKind::kSignal}};

template <class T>
bool Number(std::string_view text, T* number) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, *number);
  return error == std::errc() && end == last;
}

// FILE#LINE, or FILE:LINE as reports have it
bool ParseSite(std::string_view text, std::string* file, std::uint32_t* line) {
  const std::size_t hash = text.find_last_of("#:");
  if (hash == std::string_view::npos || hash == 0) return false;
  *file = std::string(text.substr(0, hash));
  return Number(text.substr(hash + 1), line);
}

// KIND, capacity(N), context(send), (recv) or (skip), giveup(skip) or release(FILE#LINE)
bool ParseKind(std::string_view text, Patch* patch) {
  const std::size_t open = text.find('(');
  const std::string_view name = text.substr(0, open);
  for (const Named& named : kNames) {
    if (named.name != name) continue;
    patch->kind = named.kind;
    if (open == std::string_view::npos) return named.kind != PatchKind::kCapacity;
    if (text.back() != ')') return false;
    const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
    if (named.kind == PatchKind::kCapacity) return Number(inside, &patch->capacity);
    if (named.kind == PatchKind::kContext || named.kind == PatchKind::kGiveUp) {
      patch->skips = inside == "skip";
      if (named.kind == PatchKind::kGiveUp) return patch->skips;
      patch->only = inside == "recv" ? WaitKind::kChanRecv : WaitKind::kChanSend;
      return patch->skips || inside == "send" || inside == "recv";
    }
    if (named.kind != PatchKind::kRelease) return false;
    return ParseSite(inside, &patch->across_file, &patch->across_line);
  }
  return false;
}

// KIND@FILE#LINE
bool ParsePatch(std::string_view text, Patch* patch) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return false;
  return ParseSite(text.substr(at + 1), &patch->file, &patch->line) &&
         ParseKind(text.substr(0, at), patch);
}

}  // namespace

const std::deque<Patch>& Patches() { return Current(); }

bool AnyPatches() { return !Current().empty(); }

std::vector<std::string> IdlePatches() {
  std::vector<std::string> idle;
  for (const Patch& patch : Current()) {
    if (!patch.met.load(std::memory_order_relaxed)) idle.push_back(patch.text);
  }
  return idle;
}

void NoteClosedAgain(const std::source_location& made, const std::source_location& site) {
  const Patch* const patch = FindPatch(PatchKind::kClose, made);
  if (patch == nullptr) return;
  patch->again_file.store(site.file_name(), std::memory_order_relaxed);
  patch->again_line.store(site.line(), std::memory_order_relaxed);
}

std::vector<SecondClose> SecondCloses() {
  std::vector<SecondClose> closes;
  for (const Patch& patch : Current()) {
    const char* const file = patch.again_file.load(std::memory_order_relaxed);
    if (file == nullptr) continue;
    closes.push_back({patch.text, file, patch.again_line.load(std::memory_order_relaxed)});
  }
  return closes;
}

absl::Status SetPatches(std::string_view text) {
  std::deque<Patch> patches;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    Patch& patch = patches.emplace_back();
    patch.text = std::string(item);
    if (!ParsePatch(item, &patch)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "patch '", std::string(item),
          "' is not KIND@FILE#LINE; KIND is one of capacity(N), context, context(send), "
          "context(recv), context(skip), giveup, "
          "giveup(skip), close, cancel, release, release(FILE#LINE), done, signal"));
    }
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  PutBackPatches(Keep(std::move(patches)));
  return absl::OkStatus();
}

const PatchesInForce* KeepPatches() { return in_force.load(std::memory_order_acquire); }

void PutBackPatches(const PatchesInForce* patches) {
  in_force.store(patches, std::memory_order_release);
  any_patches.store(patches != nullptr, std::memory_order_relaxed);
}

bool IsFile(std::string_view wanted, std::string_view file) {
  if (!file.ends_with(wanted)) return false;
  const std::size_t before = file.size() - wanted.size();
  return before == 0 || file[before - 1] == '/';
}

bool Patch::Names(PatchKind wanted, const std::source_location& site) const {
  return kind == wanted && line == site.line() && IsFile(file, site.file_name());
}

const Patch* FindPatch(PatchKind kind, const std::source_location& site, WaitKind operation) {
  for (const Patch& patch : Current()) {
    if (!patch.Names(kind, site)) continue;
    if (patch.only != WaitKind::kNone && patch.only != operation) continue;
    patch.NoteMet();
    return &patch;
  }
  return nullptr;
}

}  // namespace stranded::internal
