#include "detector/rules/classify.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace stranded::detector {
namespace {

bool Contains(const SourceSite& site, const std::string& pattern) {
  return site.ToString().find(pattern) != std::string::npos ||
         site.function.find(pattern) != std::string::npos;
}

// Not the number of the place: that depends on which task the snapshot came to first.
auto PlaceOf(const Situation& s, SiteId id) {
  const Site& site = s.dump().SiteOf(id);
  return std::make_tuple(site.file, site.line, site.column);
}

// Ids beside the pointers: comparing does not go through cold memory.
void SortById(std::vector<const Task*>& tasks) {
  std::vector<std::pair<Id, const Task*>> keyed;
  keyed.reserve(tasks.size());
  for (const Task* task : tasks) keyed.emplace_back(task->id, task);
  if (std::is_sorted(keyed.begin(), keyed.end())) return;
  std::sort(keyed.begin(), keyed.end());
  for (std::size_t i = 0; i < tasks.size(); ++i) tasks[i] = keyed[i].second;
}

}  // namespace

bool Classifier::IgnoredSite(SiteId id) {
  const auto [it, fresh] = ignored_sites_.try_emplace(id, false);
  if (fresh) {
    const SourceSite site = SiteText(s_, id);
    const auto& patterns = s_.options().ignore;
    it->second = std::any_of(patterns.begin(), patterns.end(),
                             [&](const std::string& p) { return Contains(site, p); });
  }
  return it->second;
}

bool Classifier::Ignored(const Task& task) {
  if (s_.options().ignore.empty()) return false;
  const SpawnNode* spawn = s_.snap().spawns.Find(task.spawn);
  return IgnoredSite(task.wait_site) || IgnoredSite(spawn == nullptr ? 0 : spawn->site);
}

bool Classifier::Reportable(const Task& task) const {
  if (task.state == TaskState::kFinished || task.daemon) return false;
  if (task.wait == WaitKind::kLeakCheck || !s_.InFocus(task)) return false;
  // Only blocked tasks and sleepers are ever stuck; a running one counts when its scope is over.
  return s_.Blocked(task) || task.state == TaskState::kSleeping || s_.ScopeEnded(task);
}

void Classifier::AddTo(std::size_t rule, const Match& match, const Task& task) {
  const SpawnNode* spawn = s_.snap().spawns.Find(task.spawn);
  const Channel* channel = s_.ChannelOf(task);
  // The key of a cycle or chain names its root: then the sites of its members do not matter.
  const Rule* const which = TaskRules()[rule];
  GroupKey key{.rule = rule, .match = match.key};
  const bool by_root = which == &kLockCycle || which == &kLockChanCycle ||
                       which == &kSemaphoreCycle ||
                       ((which == &kOnceStuck || which == &kWaitCycle) && match.key.root != 0);
  if (which == &kOutlivedScope && !s_.Blocked(task) && spawn != nullptr && spawn->site != 0) {
    // It goes on: where it was met is chance, in each look another place.
    const Context* ended = s_.EndedContext(task);
    key.match.context = ended == nullptr ? 0 : ended->site;
    key.spawn_site = spawn->site;
  } else if (!by_root) {
    key.wait = task.wait;
    key.wait_site = task.wait_site != 0 ? task.wait_site : task.last_site;
    key.spawn_site = spawn == nullptr ? 0 : spawn->site;
    key.channel_site = channel == nullptr ? 0 : channel->site;
  }
  const AgeRange age = s_.Ages(task);
  const auto [it, fresh] = index_.try_emplace(key, groups_.size());
  if (fresh) {
    groups_.emplace_back().key = key;
    groups_.back().min_age_ns = age.least_ns;
    groups_.back().max_age_ns = age.most_ns;
  }
  FoundGroup& found = groups_[it->second];
  if (!fresh && found.one_name) found.one_name = task.name == found.group.tasks.back()->name;
  if (fresh) found.group.alike = OneWait(s_, task);
  if (found.group.alike && !fresh) {
    found.group.alike = SameWait(s_, *found.group.tasks.front(), task);
  }
  found.group.tasks.push_back(&task);
  found.group.count += s_.snap().CountOf(task);
  // Proven if it is for all of them.
  if (fresh || found.group.verdict == "proven") found.group.verdict = match.verdict;
  found.min_age_ns = std::min(found.min_age_ns, age.least_ns);
  found.max_age_ns = std::max(found.max_age_ns, age.most_ns);
  if (task.frame_count > 0 && (found.with_stack == nullptr || task.id < found.with_stack->id)) {
    found.with_stack = &task;
  }
  if (channel != nullptr && (found.channels.empty() || found.channels.back() != channel->id)) {
    found.channels.push_back(channel->id);
    found.channels_merged += s_.snap().CountOf(*channel) - 1;
  }
}

void Classifier::Classify(const Task& task) {
  const auto& rules = TaskRules();
  bool late = false;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    // A sleeper can only be late.
    if ((late || !s_.Blocked(task)) && rules[i] != &kOutlivedScope) continue;
    const Match match = rules[i]->check(s_, task);
    if (match.answer == Answer::kFine) continue;
    if (match.answer == Answer::kLookAgain) {
      // Behind the end of its scope it is late at least.
      if (s_.ScopeEnded(task)) late = true;
      if (late) continue;
      if (!task.is_main) look_again_ += s_.snap().CountOf(task);
      return;
    }
    // Main waits for others all the time; that needs a proof.
    if (task.is_main && !s_.Quiet(task) && match.verdict != "proven") return;
    const bool plain = rules[i] == &kAbandonedSend || rules[i] == &kAbandonedRecv;
    if (task.is_main && plain && s_.Deadlocked(task)) return;  // its world's finding says it
    if (Ignored(task)) return;
    if (s_.Expected(task)) {
      expected_ += s_.snap().CountOf(task);
    } else {
      AddTo(i, match, task);
    }
    return;
  }
}

// The finding is told of the task that its key names, whatever the ids of the others, and though it
// may not be among them: a daemon, or in another scope.
void Classifier::PutRootFirst(FoundGroup& found) const {
  std::vector<const Task*>& tasks = found.group.tasks;
  found.group.exemplar = tasks.front();
  const Task* root = s_.snap().tasks.Find(found.key.match.root);
  if (root == nullptr) return;
  found.group.exemplar = found.with_stack = root;
  // Ages stand beside the place where it is blocked: those that wait elsewhere do not count.
  const AgeRange own = s_.Ages(*root);
  found.min_age_ns = own.least_ns;
  found.max_age_ns = own.most_ns;
  for (const Task* task : tasks) {
    if (task->wait != root->wait || task->wait_site != root->wait_site) continue;
    const AgeRange age = s_.Ages(*task);
    found.min_age_ns = std::min(found.min_age_ns, age.least_ns);
    found.max_age_ns = std::max(found.max_age_ns, age.most_ns);
  }
  const auto at = std::find(tasks.begin(), tasks.end(), root);
  if (at != tasks.end()) std::rotate(tasks.begin(), at, at + 1);
}

// So that two runs of a program whose tasks were stuck alike are told alike: where their records
// lay does not count.
void Classifier::Sort() {
  const auto order = [this](const FoundGroup& found) {
    const GroupKey& key = found.key;
    return std::make_tuple(key.rule, PlaceOf(s_, key.wait_site), PlaceOf(s_, key.spawn_site),
                           PlaceOf(s_, key.channel_site), found.group.tasks.front()->id);
  };
  std::sort(groups_.begin(), groups_.end(),
            [&order](const FoundGroup& a, const FoundGroup& b) { return order(a) < order(b); });
}

void Classifier::Run() {
  for (const Task& task : s_.snap().tasks.all()) {
    if (Reportable(task)) Classify(task);
  }
  for (FoundGroup& found : groups_) {
    SortById(found.group.tasks);
    PutRootFirst(found);
    std::sort(found.channels.begin(), found.channels.end());
    found.channels.erase(std::unique(found.channels.begin(), found.channels.end()),
                         found.channels.end());
  }
  Sort();
}

}  // namespace stranded::detector
