#include "runtime_hooks/select/glance.h"

#include <bit>

namespace stranded::internal {
namespace {

std::uint64_t WantedOf(const SelectCase& c) {
  return c.op == CaseOp::kSend ? ChanCore::kMaySend : ChanCore::kMayRecv;
}

}  // namespace

bool LooksReady(const SelectCase& c) {
  return c.chan != nullptr && (c.chan->glance.load(std::memory_order_acquire) & WantedOf(c)) != 0;
}

std::size_t PickBit(Task* self, std::uint32_t bits) {
  if ((bits & (bits - 1)) != 0) [[unlikely]] {
    std::size_t skip = self->world->Choose(static_cast<std::size_t>(std::popcount(bits)));
    for (; skip > 0; --skip) bits &= bits - 1;
  }
  return static_cast<std::size_t>(std::countr_zero(bits));
}

std::size_t FindDefault(const SelectCase* cases, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (cases[i].op == CaseOp::kDefault) return i;
  }
  return kNoCase;
}

}  // namespace stranded::internal
