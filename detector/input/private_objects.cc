#include "detector/input/private_objects.h"

#include <algorithm>

#include "detector/input/task_columns.h"

namespace stranded::detector {
namespace {

// Ids in a description that are the piece's own. Ids of dumps are counted from 1 on.
Id Own(std::size_t number) { return ~static_cast<Id>(number); }

constexpr std::array kWithFields = {RowKind::kSpawn, RowKind::kChannel, RowKind::kContext};

}  // namespace

std::size_t PrivateObjects::Read(const ObjectBatches& batches, AffordRef afford) {
  const std::size_t bad = store_.Read(batches, afford);
  store_.AddSpawnsOfPackets(s_);
  return bad;
}

template <class Use>
void PrivateObjects::ForEachUse(const RowTask& task, const Use& use) const {
  use(RowKind::kSpawn, task.parent);
  use(RowKind::kContext, task.context);
  const Id* object = task.objects.data();  // as many as ObjectCount() says
  const WaitCase* const cases = s_.cases.data() + task.model->first_case;
  for (std::uint32_t i = 0; i < task.model->case_count; ++i) {
    use(RowKind::kChannel, *object++);
    if (cases[i].op == CaseOp::kDone) use(RowKind::kContext, *object++);
  }
}

// By rows, and by packets.
void PrivateObjects::CountObjects() {
  store_.CountUses();
  for (const Task& t : s_.tasks.all()) {
    store_.Share(RowKind::kContext, t.context);
    store_.Share(RowKind::kSpawn, t.spawn);
  }
  for (const WaitCase& c : s_.cases) {
    store_.Share(RowKind::kChannel, c.channel);
    store_.Share(RowKind::kContext, c.context);
  }
  for (const SpawnNode& n : s_.spawns.all()) store_.Share(RowKind::kSpawn, n.parent);
  for (const Context& c : s_.contexts.all()) {
    store_.Share(RowKind::kContext, c.parent);
    store_.Share(RowKind::kContext, c.ended_origin);
    store_.Share(RowKind::kChannel, c.done_channel);
  }
  for (const Channel& c : s_.channels.all()) {
    store_.Share(RowKind::kContext, c.context);
    for (const Peer* peer : {&c.last_sender, &c.last_receiver}) {
      store_.Share(RowKind::kContext, peer->left_context);
      store_.Share(RowKind::kChannel, peer->left_channel);
    }
  }
  for (const Timer& t : s_.timers) {
    if (t.kind == TimerKind::kContext) store_.NoteTimer(t.object);
    if (t.kind == TimerKind::kChannel) store_.Share(RowKind::kChannel, t.object);
  }
}

void PrivateObjects::CountRow(const RowTask& task) {
  store_.Share(RowKind::kSpawn, task.id);  // its own node, if that is a row, too
  ForEachUse(task, [this](RowKind kind, Id id) { store_.Count(kind, id); });
}

void PrivateObjects::ShareRow(const RowTask& task, Id spawn) {
  store_.Share(RowKind::kSpawn, spawn);
  ForEachUse(task, [this](RowKind kind, Id id) { store_.Share(kind, id); });
}

bool PrivateObjects::CanBePrivate(const RowTask& task, RowRef row) {
  if (store_.Refs(row) >= ObjectStore::kShared || store_.Owner(row) != 0) return false;
  if (row.kind != RowKind::kContext || store_.IsGone(row)) return true;
  return store_.ModelOfContext(row.at).world == task.model->world;
}

PrivateObjects::Piece PrivateObjects::Reach(const RowTask& task) {
  Piece piece;
  edges_.clear();
  bool fits = true;
  std::uint32_t from = kTaskItself;
  const auto add = [&](RowRef row) {
    fits = fits && piece.count < kMost;
    if (fits) piece.members[piece.count++] = row;
  };
  const auto visit = [&](RowKind kind, Id id) {
    RowRef row;
    if (!store_.Find(kind, id, row)) return;
    if (piece.PlaceOf(row) == piece.count) {
      if (!CanBePrivate(task, row)) return;
      add(row);
    }
    edges_.push_back({from, row});
  };
  ForEachUse(task, visit);
  store_.ForEachUnnamed(task.number, [&](RowRef row) {
    if (CanBePrivate(task, row)) add(row);
  });
  for (from = 0; from < piece.count && fits; ++from) {
    store_.ForEachUse(piece.members[from], visit);
  }
  if (!fits) piece.count = 0;
  return piece;
}

void PrivateObjects::DropNamed(Piece& piece) {
  std::array<bool, kMost + 1> in{};
  std::fill_n(in.begin(), piece.count, true);
  in[kTaskItself] = true;
  for (bool changed = true; changed;) {
    changed = false;
    std::array<std::uint32_t, kMost> uses{};
    for (const Edge& edge : edges_) {
      if (in[edge.from]) ++uses[piece.PlaceOf(edge.to)];
    }
    for (std::size_t i = 0; i < piece.count; ++i) {
      if (!in[i] || uses[i] == store_.Refs(piece.members[i])) continue;
      in[i] = false;
      changed = true;
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < piece.count; ++i) {
    if (in[i]) piece.members[kept++] = piece.members[i];
  }
  piece.count = kept;
}

template <class F>
void PrivateObjects::ForEachTask(RowRef row, const F& f) const {
  store_.ForEachUse(row, [&](RowKind kind, Id id) {
    RowRef gone;
    if (kind == RowKind::kTask && id != 0 && !store_.Find(kind, id, gone)) f(id);
  });
}

void PrivateObjects::Claim(const RowTask& task, NameRef name) {
  Piece piece = Reach(task);
  DropNamed(piece);
  for (std::size_t i = 0; i < piece.count; ++i) {
    store_.Owner(piece.members[i]) = task.number;
    ForEachTask(piece.members[i], [&](Id named) {
      if (named != task.id) name(named);
    });
  }
}

void PrivateObjects::ClaimNone(NameRef name) {
  for (const RowKind kind : kWithFields) {
    for (std::uint32_t i = 0; i < store_.RowsOf(kind); ++i) {
      if (store_.Owner({kind, i}) == 0) ForEachTask({kind, i}, name);
    }
  }
  store_.AddSpawns(s_, [](std::uint32_t owner) { return owner == 0; });
}

bool PrivateObjects::HasNode(Id spawn) const {
  RowRef row;
  return store_.Find(RowKind::kSpawn, spawn, row);
}

bool PrivateObjects::HasParentBut(absl::FunctionRef<bool(Id)> known) const {
  bool all = true;
  for (std::uint32_t i = 0; i < store_.RowsOf(RowKind::kSpawn); ++i) {
    store_.ForEachUse({RowKind::kSpawn, i}, [&](RowKind kind, Id id) {
      if (kind == RowKind::kSpawn && id != 0) all &= known(id);
    });
  }
  return !all;
}

void PrivateObjects::Describe(const RowTask& task, const AgeClasses& ages, Description& out) {
  // The task's own row, and for each member its kind, what it names, its model, times and order.
  static_assert(3 + TaskColumns::kMostObjects + kMost * 16 <= Description::kMost);
  out.Clear();
  Piece& piece = described_;
  piece.count = 0;
  const auto use = [&](RowKind kind, Id id) {
    RowRef row;
    if (kind == RowKind::kTask && id == task.id) {
      out.Add(Own(kMost));
    } else if (!store_.Find(kind, id, row) || store_.Owner(row) != task.number) {
      out.Add(id);
    } else {
      const std::size_t place = piece.PlaceOf(row);
      if (place == piece.count) piece.members[piece.count++] = row;
      out.Add(Own(place));
    }
  };
  ForEachUse(task, use);
  store_.ForEachUnnamed(task.number, [&](RowRef row) {
    if (store_.Owner(row) == task.number) piece.members[piece.count++] = row;
  });
  out.Add(piece.count);
  for (std::size_t i = 0; i < piece.count; ++i) {
    const RowRef member = piece.members[i];
    const bool gone = store_.IsGone(member);
    out.Add(static_cast<Id>(member.kind) << 1 | (gone ? 1 : 0));
    if (gone) continue;
    store_.ForEachUse(member, use);
    store_.ForEachFact(
        member, [&](Id number) { out.Add(number); },
        [&](std::int64_t ns) { out.Add(static_cast<Id>(ages.Of(ns))); });
    if (member.kind != RowKind::kContext) continue;
    out.Add((task.since_ns > store_.EndOfContext(member.at) ? 1 : 0) |
            (store_.HasTimer(member.at) ? 2 : 0));
  }
}

void PrivateObjects::LeaveOut() {
  for (std::size_t i = 0; i < described_.count; ++i) {
    store_.Refs(described_.members[i]) |= ObjectStore::kLeftOut;
  }
}

void PrivateObjects::Keep(const RowTask& task, std::uint32_t crowd) {
  Description ignored;
  Describe(task, AgeClasses(), ignored);
  for (std::size_t i = 0; i < described_.count; ++i) {
    const RowRef member = described_.members[i];
    store_.Refs(member) &= static_cast<std::uint8_t>(~ObjectStore::kLeftOut);
    store_.StandsFor(member, crowd);
  }
}

void PrivateObjects::Add() {
  store_.AddSpawns(s_, [](std::uint32_t owner) { return owner != 0; });
  store_.AddChannelsAndContexts(s_);
}

}  // namespace stranded::detector
