#include "detector/input/task_crowds.h"

#include <algorithm>
#include <protozero/exception.hpp>

#include "absl/hash/hash.h"
#include "absl/types/span.h"
#include "detector/input/task_batch_decoder.h"

namespace stranded::detector {
namespace {

bool OnChannels(WaitKind wait) {
  switch (wait) {
    case WaitKind::kChanSend:
    case WaitKind::kChanRecv:
    case WaitKind::kChanSendNil:
    case WaitKind::kChanRecvNil:
    case WaitKind::kSelect:
    case WaitKind::kSelectEmpty: return true;
    default: return false;
  }
}

bool TaskByTask(const Snapshot& s) {
  const auto& worlds = s.worlds.all();
  return !s.events.empty() ||
         std::any_of(worlds.begin(), worlds.end(), [](const World& w) { return w.deadlock; });
}

}  // namespace

void CrowdReader::NoteNames() {
  Name(s_.taken_by);
  for (const Task& t : s_.tasks.all()) Name(t.join_task);
  for (const SpawnNode& n : s_.spawns.all()) Name(n.task);
  for (const World& w : s_.worlds.all()) Name(w.main_task);
  for (const Scope& v : s_.scopes.all()) Name(v.task);
  for (const Context& c : s_.contexts.all()) {
    Name(c.creator_task);
    Name(c.ended_by_task);
  }
  for (const Channel& c : s_.channels.all()) {
    for (const Id id :
         {c.creator_task, c.closed_by_task, c.last_sender.task, c.last_receiver.task}) {
      Name(id);
    }
  }
  for (const Sync& v : s_.syncs.all()) {
    for (const Id id : {v.holder_task, v.last_add.task, v.last_done.task, v.last_signal.task}) {
      Name(id);
    }
  }
  for (const Timer& t : s_.timers) {
    if (t.kind == TimerKind::kSleep) Name(t.object);
  }
}

bool CrowdReader::Mergeable(const Task& task) const {
  return task.state == TaskState::kBlocked && OnChannels(task.wait) && !task.has_spawned &&
         task.until_ns == 0 && !task.is_main && !task.is_thread;
}

CrowdReader::Model* CrowdReader::ModelOf(Id like) {
  Recent& recent = recent_[like % recent_.size()];
  if (like == recent.like && like != 0) return &models_[recent.model];
  const auto [number, fresh] =
      numbers_.try_emplace(like, static_cast<std::uint32_t>(models_.size()));
  if (fresh) {
    const std::uint32_t position = s_.tasks.PositionOfId(like);
    if (position == IdIndex::kNone || s_.spawns.Find(s_.tasks.all()[position].spawn) == nullptr) {
      numbers_.erase(number);
      return nullptr;
    }
    const Task& task = s_.tasks.all()[position];
    Model& model = models_.emplace_back();
    model.position = position;
    model.objects = ObjectCount(s_, task);
    model.merges = Mergeable(task);
    const std::int64_t now = s_.NowFor(task);
    const std::int64_t age = absl::ToInt64Nanoseconds(merge_.min_age);
    // Ages of more than some years are none that anybody has.
    model.ages.now_ns = now;
    model.ages.long_ns = now - std::min(age, now);
    model.ages.very_long_ns = now - (age > now / 10 ? now : 10 * age);
  }
  recent = {like, number->second};
  return &models_[number->second];
}

RowTask CrowdReader::TaskOf(const Model& model, const BatchRow& row,
                            std::span<const Id> objects) const {
  return {&s_.tasks.all()[model.position],
          number_,
          row.id,
          row.parent,
          row.context,
          row.since_ns,
          objects};
}

void CrowdReader::Describe(const Model& model, const BatchRow& row, std::span<const Id> objects) {
  if (!private_.empty()) {
    return private_.Describe(TaskOf(model, row, objects), model.ages, described_);
  }
  described_.Clear();
  described_.Add(row.parent);
  described_.Add(row.context);
  for (const Id id : objects) described_.Add(id);
}

bool CrowdReader::Is(const Crowd& crowd, const Model& model, AgeClass wait) const {
  return crowd.model == model.position && crowd.wait == wait &&
         described_.Is(std::span(keys_).subspan(crowd.key, crowd.words));
}

std::uint32_t CrowdReader::CrowdOf(Model& model, const BatchRow& row, AgeClass wait,
                                   std::span<const Id> objects) {
  Describe(model, row, objects);
  const std::span<const Id> words = described_.words();
  if (model.last != 0 && Is(crowds_[model.last - 1], model, wait)) return model.last;
  const std::uint64_t hash =
      absl::HashOf(model.position, wait, absl::MakeConstSpan(words.data(), words.size()));
  std::uint32_t& newest = by_hash_[hash];
  for (std::uint32_t at = newest; at != 0; at = crowds_[at - 1].next) {
    if (Is(crowds_[at - 1], model, wait)) return model.last = at;
  }
  const std::size_t ids = objects.size() + words.size();
  if (!Afford(sizeof(Crowd) + sizeof(Task) + 48 + ids * sizeof(Id))) return 0;
  Crowd& crowd = crowds_.emplace_back();
  crowd.model = model.position;
  crowd.wait = wait;
  crowd.next = newest;
  crowd.key = keys_.size();
  crowd.words = words.size();
  crowd.first = objects_.size();
  crowd.objects = objects.size();
  crowd.row = row;
  crowd.number = number_;
  crowd.out.first_since_ns = crowd.out.last_since_ns = row.since_ns;
  keys_.insert(keys_.end(), words.begin(), words.end());
  objects_.insert(objects_.end(), objects.begin(), objects.end());
  ++model.crowds;
  return model.last = newest = static_cast<std::uint32_t>(crowds_.size());
}

void CrowdReader::Join(Crowd& crowd, const BatchRow& row, std::span<const Id> objects) {
  TaskCrowd& out = crowd.out;
  ++out.count;
  if (row.id < crowd.row.id) {
    crowd.row = row;
    crowd.number = number_;
    std::copy(objects.begin(), objects.end(), objects_.data() + crowd.first);
  }
  out.first_since_ns = std::min(out.first_since_ns, row.since_ns);
  out.last_since_ns = std::max(out.last_since_ns, row.since_ns);
  if (row.id > crowd.largest) return;
  out.ids.push_back(row.id);
  if (out.ids.size() / 2 > merge_.most_tasks_listed) Prune(crowd);
}

// Leaves the smallest ids, as many as are listed. It is called once for that many tasks.
void CrowdReader::Prune(Crowd& crowd) const {
  std::vector<Id>& ids = crowd.out.ids;
  const std::size_t most = merge_.most_tasks_listed;
  if (ids.size() <= most) return;
  std::nth_element(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(most), ids.end());
  crowd.largest = ids[most];
  ids.resize(most);
}

bool CrowdReader::AddRow(Model& model, const BatchRow& row, std::span<const Id> objects) {
  // Where no two tasks are alike, there is nothing to be found.
  constexpr std::size_t kTried = 1 << 14;
  const auto afford = [this](std::size_t bytes) { return Afford(bytes); };
  ++model.rows;
  const bool differ = model.crowds > kTried && model.rows < 2 * model.crowds;
  if (differ || StandsForItself(model, row) || named_.contains(row.id)) {
    return AddTask(s_, model.position, row, objects, afford);
  }
  const std::uint32_t crowd = CrowdOf(model, row, model.ages.Of(row.since_ns), objects);
  if (crowd == 0) return AddTask(s_, model.position, row, objects, afford);  // it is smaller
  Join(crowds_[crowd - 1], row, objects);
  if (!private_.empty()) private_.LeaveOut();
  return true;
}

template <class F>
bool CrowdReader::ForEachRow(const data_view& bytes, const F& f) {
  TaskColumns columns(bytes);
  BatchRow row;
  for (std::uint32_t i = 0; i < columns.rows(); ++i) {
    columns.Next(row);
    ++number_;
    Model* const model = ModelOf(row.like);
    irregular_ |= model == nullptr;
    if (model == nullptr || model->objects > TaskColumns::kMostObjects) return false;
    if (!f(*model, row, columns.ObjectsOf(model->objects))) return false;
  }
  return columns.AtEnd();
}

// The last of a row's objects is the task that it joins, if it joins one.
void CrowdReader::NoteJoins(const Model& model, std::span<const Id> objects) {
  if (s_.tasks.all()[model.position].join_task != 0) Name(objects.back());
}

std::size_t CrowdReader::FindPrivate(std::span<const data_view> batches,
                                     const ObjectBatches& objects) {
  const std::size_t bad = private_.Read(objects, afford_objects_);
  if (private_.empty()) return bad;
  const auto each = [&](const auto& f) {
    ForEach(batches, [&](const data_view& b) {
      return ForEachRow(b, [&](const Model& model, const BatchRow& row, std::span<const Id> ids) {
        f(model, row, TaskOf(model, row, ids));
        return true;
      });
    });
  };
  each([this](const Model&, const BatchRow&, const RowTask& task) {
    irregular_ |= !private_.NoteTask(task);
  });
  private_.CountObjects();
  each([this](const Model& model, const BatchRow& row, const RowTask& task) {
    StandsForItself(model, row) ? private_.ShareRow(task, row.spawn) : private_.CountRow(task);
  });
  return bad;
}

// Whom packets name has been noted: that is nobody's own.
void CrowdReader::Claim(std::span<const data_view> batches) {
  if (private_.empty()) return;
  private_.HaveCounted();
  const auto name = [this](Id task) { Name(task); };
  ForEach(batches, [&](const data_view& b) {
    return ForEachRow(b, [&](const Model& model, const BatchRow& row, std::span<const Id> ids) {
      if (!StandsForItself(model, row)) private_.Claim(TaskOf(model, row, ids), name);
      return true;
    });
  });
  private_.ClaimNone(name);
}

// It may have spawned after it was read, and before 1.4 dumps do not say that tasks have. Then the
// only node that it has is that of its row. That is rare: then each task is read alone.
bool CrowdReader::HasUnnamedParents() const {
  const auto unnamed = [this](Id parent) {
    return parent != 0 && s_.spawns.PositionOfId(parent) == IdIndex::kNone &&
           !private_.HasNode(parent);
  };
  const auto& nodes = s_.spawns.all();
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](const SpawnNode& n) { return unnamed(n.parent); }) ||
         std::any_of(crowds_.begin(), crowds_.end(),
                     [&](const Crowd& c) { return unnamed(c.row.parent); }) ||
         private_.HasParentBut([&](Id parent) { return !unnamed(parent); });
}

void CrowdReader::AddCrowds() {
  for (Crowd& crowd : crowds_) {
    const auto objects = std::span<const Id>(objects_).subspan(crowd.first, crowd.objects);
    // It was afforded when the crowd was made.
    const auto paid = [](std::size_t) { return true; };
    if (!AddTask(s_, crowd.model, crowd.row, objects, paid)) continue;
    const bool alone = crowd.out.count == 1;
    if (!alone) {
      Prune(crowd);
      std::sort(crowd.out.ids.begin(), crowd.out.ids.end());
      crowd.out.ids.shrink_to_fit();
      s_.crowds.push_back(std::move(crowd.out));
    }
    const std::uint32_t number = alone ? 0 : static_cast<std::uint32_t>(s_.crowds.size());
    s_.tasks.all()[s_.tasks.PositionOfId(crowd.row.id)].crowd = number;
    if (private_.empty()) continue;
    const Task& model = s_.tasks.all()[crowd.model];
    private_.Keep({&model, crowd.number, crowd.row.id, crowd.row.parent, crowd.row.context,
                   crowd.row.since_ns, objects},
                  number);
  }
}

std::size_t CrowdReader::ForEach(std::span<const data_view> batches,
                                 absl::FunctionRef<bool(const data_view&)> read) {
  std::size_t bad = 0;
  number_ = 0;
  for (const data_view& batch : batches) {
    bool good = false;
    try {
      good = read(batch);
    } catch (const protozero::exception&) {
    }
    if (!good) ++bad;
  }
  return bad;
}

std::size_t CrowdReader::ReadTasks(std::span<const data_view> batches) {
  const auto afford = [this](std::size_t bytes) { return Afford(bytes); };
  return ForEach(batches, [&](const data_view& b) { return ReadTaskBatch(b, s_, afford); });
}

std::size_t CrowdReader::ReadEach(std::span<const data_view> batches,
                                  const ObjectBatches& objects) {
  const std::size_t bad = AddSpawnRows(objects, s_, afford_objects_);
  return bad + ReadTasks(batches) + AddObjectRows(objects, s_, afford_objects_);
}

bool CrowdReader::Afford(std::size_t bytes) {
  if (credit_ >= bytes) {
    credit_ -= bytes;
    return true;
  }
  paid_ += bytes;
  return afford_(bytes);
}

std::size_t CrowdReader::Read(std::span<const data_view> batches, const ObjectBatches& objects) {
  if (TaskByTask(s_)) return ReadEach(batches, objects);
  const std::size_t bad_objects = FindPrivate(batches, objects);
  NoteNames();
  const auto& tasks = s_.tasks.all();
  if (std::any_of(tasks.begin(), tasks.end(), [](const Task& t) { return t.join_task != 0; })) {
    ForEach(batches, [this](const data_view& b) {
      return ForEachRow(b, [&](const Model& model, const BatchRow&, std::span<const Id> ids) {
        NoteJoins(model, ids);
        return true;
      });
    });
  }
  Claim(batches);
  std::size_t bad = ForEach(batches, [this](const data_view& b) {
    return ForEachRow(b, [&](Model& model, const BatchRow& row, std::span<const Id> ids) {
      if (AddRow(model, row, ids)) return true;
      // Rows of the batches behind it are numbered otherwise than when they were claimed.
      irregular_ = true;
      return false;
    });
  });
  // A model may be a row itself. What has been added is added again, as it is, and paid for.
  if (irregular_ || HasUnnamedParents()) {
    credit_ = paid_;
    private_.KeepAll();
    bad = ReadTasks(batches);
  } else {
    AddCrowds();
  }
  private_.Add();
  return bad + bad_objects;
}

}  // namespace stranded::detector
