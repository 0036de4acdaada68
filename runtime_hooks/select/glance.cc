#include "runtime_hooks/select/glance.h"

#include <array>
#include <bit>
#include <utility>

namespace stranded::internal {
namespace {

std::uint64_t WantedOf(const SelectCase& c) {
  return c.op == CaseOp::kSend ? ChanCore::kMaySend : ChanCore::kMayRecv;
}

// The same for selects of the same cases at the same place that make the same choice.
std::uint64_t HashOf(const SelectCase* cases, std::size_t count, std::size_t chosen) {
  // Sums of products: they do not wait for each other.
  std::uint64_t hash = std::bit_cast<std::uint64_t>(cases[chosen].site) + chosen;
  for (std::size_t i = 0; i < count; ++i) {
    const auto chan = reinterpret_cast<std::uintptr_t>(cases[i].chan);
    hash += chan * (0x9e3779b97f4a7c15U + 2 * i);
  }
  return hash;
}

}  // namespace

bool LooksReady(const SelectCase& c) {
  return c.chan != nullptr && (c.chan->glance.load(std::memory_order_acquire) & WantedOf(c)) != 0;
}

bool Glance(const SelectCase* cases, std::size_t count, std::uint32_t* ready) {
  if (count > kGlanceCases) return false;
  std::array<std::uint64_t, kGlanceCases> seen;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (cases[i].chan == nullptr) continue;
    seen[i] = cases[i].chan->glance.load(std::memory_order_acquire);
    if (seen[i] & WantedOf(cases[i])) bits |= 1U << i;
  }
  *ready = bits;
  for (std::size_t i = 0; i < count; ++i) {
    if (cases[i].chan == nullptr) continue;
    if (cases[i].chan->glance.load(std::memory_order_acquire) != seen[i]) return false;
  }
  return true;
}

std::size_t PickBit(Task* self, std::uint32_t bits) {
  const int count = std::popcount(bits);
  std::size_t skip = count == 1 ? 0 : self->world->Choose(static_cast<std::size_t>(count));
  for (; skip > 0; --skip) bits &= bits - 1;
  return static_cast<std::size_t>(std::countr_zero(bits));
}

std::size_t FindDefault(const SelectCase* cases, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (cases[i].op == CaseOp::kDefault) return i;
  }
  return kNoCase;
}

bool SaidBefore(Task* self, const SelectCase* cases, std::size_t count, std::size_t chosen) {
  constexpr std::uint32_t kSayEvery = 64;
  const std::uint64_t hash = HashOf(cases, count, chosen);
  if (std::exchange(self->last_select, hash) != hash) {
    self->vain_polls = 0;
    return false;
  }
  return ++self->vain_polls % kSayEvery != 0;
}

}  // namespace stranded::internal
