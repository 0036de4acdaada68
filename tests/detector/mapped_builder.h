// Puts a mapped file together record by record: see stranded/mapped_format.h.
#ifndef STRANDED_TESTS_DETECTOR_MAPPED_BUILDER_H_
#define STRANDED_TESTS_DETECTOR_MAPPED_BUILDER_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "stranded/mapped_format.h"

namespace stranded::detector {

class MappedBuilder {
 public:
  mapped::Header header;
  std::vector<mapped::Task> tasks;
  std::vector<mapped::Context> contexts;
  std::vector<mapped::Channel> channels;
  std::vector<mapped::Sync> syncs;
  std::vector<mapped::Event> events;  // as they lie in the ring
  std::uint64_t recorded = 0;         // ever

  MappedBuilder() {
    std::memcpy(header.magic, mapped::kMagic, sizeof header.magic);
    header.version = mapped::kVersion;
    header.pid = 0x7fffffff;  // nobody's
    header.started_ns = kStart;
    header.alive_ns = kStart + 10 * kSecond;
  }

  static constexpr std::int64_t kSecond = 1'000'000'000, kStart = 1'700'000'000 * kSecond;

  // A place by its key.
  std::uint64_t At(std::string_view file, std::uint32_t line) {
    sites_.push_back({0x1000 + 8 * sites_.size(), Text(file), Text("Function"), line, 1});
    return sites_.back().key;
  }
  std::uint64_t Type(std::string_view name) {
    sites_.push_back({0x1000 + 8 * sites_.size(), Text(name), 0, 0, 0});
    return sites_.back().key;
  }
  // A task that waits with one case.
  mapped::Task& Parked(std::uint64_t id, std::uint8_t wait, std::uint64_t site) {
    mapped::Task& t = tasks.emplace_back();
    t.seq = 2;
    t.state = mapped::kParked;
    t.id = id;
    t.wait = wait;
    t.parks = 1;
    t.wait_site = t.spawn_site = site;
    t.since_ns = t.created_ns = kStart + kSecond;
    std::memcpy(t.name, "waiter", 7);
    return t;
  }
  static void Offer(mapped::Task& t, std::uint64_t op, std::uint64_t object) {
    mapped::Case& c = t.offers[t.cases++];
    c.op_and_object = op << mapped::kKindShift | object;
    c.site = t.wait_site;
  }

  std::string bytes() const {
    std::string out(mapped::kHeaderBytes, '\0');
    Append(out, mapped::BlockKind::kTexts, mapped::kTextUnit, texts_.data(), texts_.size(),
           texts_.size());
    AppendAll(out, mapped::BlockKind::kSites, sites_, sites_.size());
    AppendAll(out, mapped::BlockKind::kTasks, tasks, 0);
    AppendAll(out, mapped::BlockKind::kContexts, contexts, 0);
    AppendAll(out, mapped::BlockKind::kChannels, channels, 0);
    AppendAll(out, mapped::BlockKind::kSyncs, syncs, 0);
    AppendAll(out, mapped::BlockKind::kRing, events, recorded);
    mapped::Header head = header;
    head.used = out.size();
    std::memcpy(out.data(), &head, sizeof head);
    return out;
  }

 private:
  // Texts stand in the first block.
  std::uint32_t Text(std::string_view text) {
    const std::size_t at = mapped::kHeaderBytes + sizeof(mapped::Block) + texts_.size();
    const auto size = static_cast<std::uint32_t>(text.size());
    texts_.append(reinterpret_cast<const char*>(&size), 4).append(text);
    texts_.resize((texts_.size() + 7) & ~std::size_t{7});
    return static_cast<std::uint32_t>(at / mapped::kTextUnit);
  }
  static void Append(std::string& out, mapped::BlockKind kind, std::size_t record, const void* data,
                     std::size_t bytes, std::uint64_t count) {
    if (bytes == 0) return;
    mapped::Block block;
    block.kind = kind;
    block.record_bytes = static_cast<std::uint32_t>(record);
    block.bytes = (sizeof block + bytes + 63) & ~std::size_t{63};
    block.count = count;
    block.ring = 1;
    const std::size_t at = out.size();
    out.resize(at + block.bytes);
    std::memcpy(&out[at], &block, sizeof block);
    std::memcpy(&out[at + sizeof block], data, bytes);
  }
  template <class T>
  static void AppendAll(std::string& out, mapped::BlockKind kind, const std::vector<T>& records,
                        std::uint64_t count) {
    Append(out, kind, sizeof(T), records.data(), records.size() * sizeof(T), count);
  }

  std::string texts_;
  std::vector<mapped::Site> sites_;
};

}  // namespace stranded::detector

#endif  // STRANDED_TESTS_DETECTOR_MAPPED_BUILDER_H_
