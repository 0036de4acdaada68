#include "detector/input/private_objects.h"

#include <algorithm>

namespace stranded::detector {
namespace {

using ChannelTag = ChannelRow::Tag;
using ContextTag = ContextRow::Tag;

// Ids in a description that are the piece's own. Ids of dumps are counted from 1 on.
Id Own(std::size_t number) { return ~static_cast<Id>(number); }

constexpr std::array kTasksOfChannel = {ChannelTag::kCreatorTask, ChannelTag::kClosedByTask,
                                        ChannelTag::kSenderTask, ChannelTag::kReceiverTask};
constexpr std::array kTimesOfChannel = {ChannelTag::kCreatedNs, ChannelTag::kClosedNs,
                                        ChannelTag::kSenderAtNs, ChannelTag::kReceiverAtNs};
constexpr std::array kTasksOfContext = {ContextTag::kCreatorTask, ContextTag::kEndedByTask};
constexpr std::array kTimesOfContext = {ContextTag::kCreatedNs, ContextTag::kDeadlineNs,
                                        ContextTag::kEndedNs};

// Rules look at these one by one.
bool Told(const Channel&) { return false; }
bool Told(const Context& c) {
  return c.has_after_func || (c.cancel_lost && c.err == ContextErr::kNone);
}

}  // namespace

template <class Row, class Object>
std::size_t PrivateObjects::ReadRows(std::span<const data_view> batches, const Table<Object>& table,
                                     Rows<Row>& out, AffordRef afford) {
  Id last_id = 0;
  return ForEachRow(batches, table, [&](const Row& row, std::uint32_t model) {
    if (table.PositionOfId(row.id()) != IdIndex::kNone) return true;
    // With the room for the object that it becomes.
    const bool near = IdIndex::Neighbours(row.id(), last_id);
    const std::size_t index = 2 * (near ? sizeof(std::uint32_t) : IdIndex::kBlockBytes);
    if (!afford(sizeof row + sizeof(Object) + index)) return false;
    std::uint32_t& at = out.index.At(row.id());
    if (at != IdIndex::kNone) return true;
    at = out.rows.size();
    last_id = row.id();
    Row kept = row;
    kept.values[0] = model;
    out.rows.Add(kept);
    out.refs.push_back(Told(table.all()[model]) ? kShared : 0);
    out.owners.push_back(0);
    return true;
  });
}

std::size_t PrivateObjects::Read(const ObjectBatches& batches, AffordRef afford) {
  return ReadRows(batches.channels, s_.channels, channels_, afford) +
         ReadRows(batches.contexts, s_.contexts, contexts_, afford);
}

template <class Use>
void PrivateObjects::ForEachUse(const RowTask& task, const Use& use) const {
  use(Kind::kContext, task.context);
  const Id* object = task.objects.data();  // as many as ObjectCount() says
  const WaitCase* const cases = s_.cases.data() + task.model->first_case;
  for (std::uint32_t i = 0; i < task.model->case_count; ++i) {
    use(Kind::kChannel, *object++);
    if (cases[i].op == CaseOp::kDone) use(Kind::kContext, *object++);
  }
}

template <class Use>
void PrivateObjects::ForEachUse(Ref ref, const Use& use) const {
  if (ref.kind == Kind::kChannel) {
    const auto& rows = channels_.rows;
    use(Kind::kContext, rows.Field(ref.at, ChannelTag::kContext));
    use(Kind::kContext, rows.Field(ref.at, ChannelTag::kSenderLeftContext));
    use(Kind::kChannel, rows.Field(ref.at, ChannelTag::kSenderLeftChannel));
    use(Kind::kContext, rows.Field(ref.at, ChannelTag::kReceiverLeftContext));
    use(Kind::kChannel, rows.Field(ref.at, ChannelTag::kReceiverLeftChannel));
  } else {
    const auto& rows = contexts_.rows;
    use(Kind::kContext, rows.Field(ref.at, ContextTag::kParent));
    use(Kind::kContext, rows.Field(ref.at, ContextTag::kEndedOrigin));
    use(Kind::kChannel, rows.Field(ref.at, ContextTag::kDoneChannel));
  }
}

template <class F>
void PrivateObjects::ForEachTask(Ref ref, const F& f) const {
  if (ref.kind == Kind::kChannel) {
    for (const ChannelTag field : kTasksOfChannel) f(channels_.rows.Field(ref.at, field));
  } else {
    for (const ContextTag field : kTasksOfContext) f(contexts_.rows.Field(ref.at, field));
  }
}

void PrivateObjects::Count(Kind kind, Id id) {
  Ref ref;
  if (!Find(kind, id, ref)) return;
  std::uint8_t& refs = RefsOf(ref);
  if (refs < kShared) ++refs;
}

void PrivateObjects::Share(Kind kind, Id id) {
  Ref ref;
  if (Find(kind, id, ref)) RefsOf(ref) = kShared;
}

void PrivateObjects::CountPackets() {
  for (const Task& t : s_.tasks.all()) Share(Kind::kContext, t.context);
  for (const WaitCase& c : s_.cases) {
    Share(Kind::kChannel, c.channel);
    Share(Kind::kContext, c.context);
  }
  for (const Context& c : s_.contexts.all()) {
    Share(Kind::kContext, c.parent);
    Share(Kind::kContext, c.ended_origin);
    Share(Kind::kChannel, c.done_channel);
  }
  for (const Channel& c : s_.channels.all()) {
    Share(Kind::kContext, c.context);
    for (const Peer* peer : {&c.last_sender, &c.last_receiver}) {
      Share(Kind::kContext, peer->left_context);
      Share(Kind::kChannel, peer->left_channel);
    }
  }
  for (const Timer& t : s_.timers) {
    if (t.kind == TimerKind::kContext) Share(Kind::kContext, t.object);
    if (t.kind == TimerKind::kChannel) Share(Kind::kChannel, t.object);
  }
  const auto count = [this](Kind kind, Id id) { Count(kind, id); };
  for (std::uint32_t i = 0; i < channels_.rows.size(); ++i) {
    ForEachUse({Kind::kChannel, i}, count);
  }
  for (std::uint32_t i = 0; i < contexts_.rows.size(); ++i) {
    ForEachUse({Kind::kContext, i}, count);
  }
}

void PrivateObjects::CountRow(const RowTask& task) {
  ForEachUse(task, [this](Kind kind, Id id) { Count(kind, id); });
}

void PrivateObjects::ShareRow(const RowTask& task) {
  ForEachUse(task, [this](Kind kind, Id id) { Share(kind, id); });
}

bool PrivateObjects::CanBePrivate(const RowTask& task, Ref ref) {
  if (RefsOf(ref) >= kShared || OwnerOf(ref) != 0) return false;
  if (ref.kind == Kind::kChannel) return true;
  const Id model = contexts_.rows.Field(ref.at, ContextTag::kLike);
  return s_.contexts.all()[model].world == task.model->world;
}

template <class Wanted>
PrivateObjects::Piece PrivateObjects::Reach(const RowTask& task, const Wanted& wanted) const {
  Piece piece;
  bool fits = true;
  const auto visit = [&](Kind kind, Id id) {
    Ref ref;
    if (!Find(kind, id, ref) || !wanted(ref) || piece.PlaceOf(ref) != piece.count) return;
    fits = fits && piece.count < kMost;
    if (fits) piece.members[piece.count++] = ref;
  };
  ForEachUse(task, visit);
  for (std::size_t i = 0; i < piece.count && fits; ++i) ForEachUse(piece.members[i], visit);
  if (!fits) piece.count = 0;
  return piece;
}

// What others name, too, goes out, with what only that names.
void PrivateObjects::Claim(const RowTask& task, NameRef name) {
  Piece piece = Reach(task, [&](Ref ref) { return CanBePrivate(task, ref); });
  while (true) {
    std::array<std::uint32_t, kMost> uses{};
    const auto count = [&](Kind kind, Id id) {
      Ref ref;
      if (!Find(kind, id, ref)) return;
      const std::size_t place = piece.PlaceOf(ref);
      if (place < piece.count) ++uses[place];
    };
    ForEachUse(task, count);
    for (std::size_t i = 0; i < piece.count; ++i) ForEachUse(piece.members[i], count);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < piece.count; ++i) {
      const Ref member = piece.members[i];
      if (uses[i] == RefsOf(member)) piece.members[kept++] = member;
    }
    if (kept == piece.count) break;
    piece.count = kept;
  }
  for (std::size_t i = 0; i < piece.count; ++i) {
    OwnerOf(piece.members[i]) = task.number;
    ForEachTask(piece.members[i], [&](Id named) {
      if (named != task.id) name(named);
    });
  }
}

void PrivateObjects::NameOthers(NameRef name) const {
  for (std::uint32_t i = 0; i < channels_.rows.size(); ++i) {
    if (channels_.owners[i] == 0) ForEachTask({Kind::kChannel, i}, name);
  }
  for (std::uint32_t i = 0; i < contexts_.rows.size(); ++i) {
    if (contexts_.owners[i] == 0) ForEachTask({Kind::kContext, i}, name);
  }
}

PrivateObjects::Piece PrivateObjects::PieceOf(const RowTask& task) {
  return Reach(task, [&](Ref ref) { return OwnerOf(ref) == task.number; });
}

void PrivateObjects::Describe(const RowTask& task,
                              absl::FunctionRef<std::uint64_t(std::int64_t)> age_class,
                              std::vector<Id>& words) {
  described_ = PieceOf(task);
  const Piece& piece = described_;
  const auto use = [&](Kind kind, Id id) {
    Ref ref;
    const std::size_t place = Find(kind, id, ref) ? piece.PlaceOf(ref) : piece.count;
    words.push_back(place < piece.count ? Own(place) : id);
  };
  ForEachUse(task, use);
  for (std::size_t i = 0; i < piece.count; ++i) {
    const Ref member = piece.members[i];
    const std::uint32_t at = member.at;
    ForEachUse(member, use);
    ForEachTask(member, [&](Id id) { words.push_back(id == task.id ? Own(kMost) : id); });
    if (member.kind == Kind::kChannel) {
      const auto& rows = channels_.rows;
      words.push_back(rows.Field(at, ChannelTag::kLike));
      for (const ChannelTag field : kTimesOfChannel) words.push_back(age_class(rows.Ns(at, field)));
    } else {
      const auto& rows = contexts_.rows;
      words.push_back(rows.Field(at, ContextTag::kLike));
      for (const ContextTag field : kTimesOfContext) words.push_back(age_class(rows.Ns(at, field)));
      words.push_back(task.since_ns > rows.Ns(at, ContextTag::kEndedNs) ? 1 : 0);
    }
  }
}

void PrivateObjects::LeaveOut() {
  for (std::size_t i = 0; i < described_.count; ++i) RefsOf(described_.members[i]) |= kLeftOut;
}

void PrivateObjects::Keep(const RowTask& task, std::uint32_t crowd) {
  const Piece piece = PieceOf(task);
  for (std::size_t i = 0; i < piece.count; ++i) {
    const Ref member = piece.members[i];
    RefsOf(member) &= static_cast<std::uint8_t>(~kLeftOut);
    (member.kind == Kind::kChannel ? channels_.crowds : contexts_.crowds)[member.at] = crowd;
  }
}

void PrivateObjects::KeepAll() {
  for (LargeVector<std::uint8_t>* refs : {&channels_.refs, &contexts_.refs}) {
    for (std::uint8_t& of : *refs) of &= static_cast<std::uint8_t>(~kLeftOut);
  }
}

template <class Row, class Object>
std::size_t PrivateObjects::AddRows(const Rows<Row>& from, Table<Object>& table) {
  std::size_t left_out = 0;
  for (std::uint32_t i = 0; i < from.rows.size(); ++i) {
    if ((from.refs[i] & kLeftOut) != 0) {
      ++left_out;
      continue;
    }
    const Row row = from.rows.At(i);
    Object object = FromRow(table.all()[row.like()], row);
    const auto crowd = from.crowds.find(i);
    object.crowd = crowd == from.crowds.end() ? 0 : crowd->second;
    table.Add(object);
  }
  return left_out;
}

void PrivateObjects::Add() {
  s_.channels_merged = AddRows(channels_, s_.channels);
  s_.contexts_merged = AddRows(contexts_, s_.contexts);
}

}  // namespace stranded::detector
