#include "detector/input/all_tasks.h"

#include <algorithm>

#include "stranded/dump_reader.h"

namespace stranded::detector {

std::shared_ptr<const Dump> WithAllTasks(std::shared_ptr<const Dump> dump, WithObjects objects) {
  if (dump == nullptr || !dump->merged.has_value()) return dump;
  const auto has_crowds = [](const Snapshot& s) { return !s.crowds.empty(); };
  if (std::none_of(dump->snapshots.begin(), dump->snapshots.end(), has_crowds)) return dump;
  ReadOptions each;
  each.channels = objects == WithObjects::kAll;
  each.contexts = objects != WithObjects::kNone;
  if (dump->bytes.empty()) each.events = EventStorage::kEncoded;
  const auto again = dump->bytes.empty() ? ReadDumpFile(dump->source, each)
                                         : ReadDump(dump->bytes, dump->source, each);
  const auto same = [&dump](const Dump& other) {
    return other.pid == dump->pid && other.packets == dump->packets &&
           other.snapshots.size() == dump->snapshots.size() &&
           other.snapshots.back().taken_ns == dump->snapshots.back().taken_ns &&
           other.sites.size() == dump->sites.size();
  };
  if (!again.ok() || !same(**again)) return dump;  // another one of that name by now
  // Nobody else has it yet. Places as they were made to be shown: their numbers are the same.
  Dump& whole = const_cast<Dump&>(**again);
  whole.sites = dump->sites;
  whole.sites_of = std::move(dump);
  return *again;
}

}  // namespace stranded::detector
