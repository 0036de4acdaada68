#include "detector/go/piles.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace stranded::detector {
namespace {

// Sites of profiles and of text differ as frames, but not as function and line.
using Key =
    std::tuple<int, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, bool, bool, bool>;

bool HasFrame(const GoDumps& all, const GoGroup& group, std::string_view prefix) {
  return std::any_of(group.frames.begin(), group.frames.end(),
                     [&](std::uint32_t frame) { return all.Function(frame).starts_with(prefix); });
}

bool IsMain(const GoDumps& all, const GoGroup& group) {
  if (group.first_id != 0) return group.first_id == 1;
  return HasFrame(all, group, "runtime.main");
}

absl::flat_hash_set<std::uint32_t> FunctionsOnStacks(const GoDumps& all, const GoDump& dump) {
  absl::flat_hash_set<std::uint32_t> functions;
  for (const GoGroup& group : dump.groups) {
    for (const std::uint32_t frame : group.frames) functions.insert(all.frames[frame].function);
  }
  return functions;
}

struct Activity {
  std::uint64_t running = 0, other = 0;
  bool serves = false;
};

void Note(const GoDumps& all, const GoGroup& group, GoWaitKind kind, Activity& activity) {
  if (kind == GoWaitKind::kRunning) {
    activity.running += group.count;
    activity.serves |= HasFrame(all, group, "net/http.");
  } else if (!BlockedGo(kind) && kind != GoWaitKind::kSystem) {
    activity.other += group.count;
  }
}

// Goroutines whose creator is told, and has ended in all of them.
void NoteCreators(const GoDump& dump, GoPile& pile) {
  bool told = false, alive = false;
  for (const std::uint32_t group : pile.groups) {
    for (const std::uint64_t creator : dump.groups[group].creator_ids) {
      told = true;
      alive |= dump.ids.Contains(creator);
    }
  }
  if (told) pile.creator_gone = !alive;
}

void NoteIds(const GoDump& dump, std::size_t most_ids, GoPicture& picture) {
  for (const Goroutine& g : dump.goroutines) {
    GoPile& pile = picture.piles[picture.pile_of[g.group]];
    if (pile.ids.size() < most_ids) pile.ids.push_back(g.id);
  }
}

}  // namespace

GoPicture LookAtGo(const GoDumps& all, const GoDump& dump, std::size_t most_ids) {
  GoPicture picture;
  const auto functions = FunctionsOnStacks(all, dump);
  std::map<Key, std::uint32_t> index;
  picture.pile_of.resize(dump.groups.size());
  Activity activity;
  for (std::size_t i = 0; i < dump.groups.size(); ++i) {
    const GoGroup& group = dump.groups[i];
    const GoWait wait = ClassifyGo(all, group);
    const bool leaked = group.leaked || dump.leak_profile;
    Note(all, group, wait.kind, activity);
    const GoFrame& site = all.frames[wait.site];
    const GoFrame& creator = all.frames[group.creator];
    const bool is_main = IsMain(all, group);
    const Key key{static_cast<int>(wait.kind),
                  site.function,
                  site.file,
                  site.line,
                  creator.function,
                  leaked,
                  is_main,
                  wait.library_idle};
    const auto [it, fresh] = index.try_emplace(key, picture.piles.size());
    if (fresh) {
      GoPile& pile = picture.piles.emplace_back();
      pile.kind = wait.kind;
      pile.site = wait.site;
      pile.creator = group.creator;
      pile.leaked = leaked;
      pile.library_idle = wait.library_idle;
      pile.is_main = is_main;
      pile.least_minutes = group.least_minutes;
      pile.creator_gone = group.creator != 0 && !functions.contains(creator.function);
    }
    GoPile& pile = picture.piles[it->second];
    pile.count += group.count;
    pile.least_minutes = std::min(pile.least_minutes, group.least_minutes);
    pile.most_minutes = std::max(pile.most_minutes, group.most_minutes);
    pile.elided = std::max(pile.elided, group.elided);
    pile.bubble = std::max(pile.bubble, group.bubble);
    pile.groups.push_back(static_cast<std::uint32_t>(i));
    picture.pile_of[i] = it->second;
    picture.count += group.count;
    if (BlockedGo(wait.kind)) picture.blocked += group.count;
  }
  for (GoPile& pile : picture.piles) NoteCreators(dump, pile);
  NoteIds(dump, most_ids, picture);
  // What is missing may have been at work.
  const bool whole = !dump.cut && dump.announced <= dump.count;
  picture.quiet = activity.running == 1 && activity.other == 0 && !activity.serves &&
                  dump.died_of == nullptr && !dump.leak_profile && whole;
  return picture;
}

}  // namespace stranded::detector
