#include "detector/report/inlining.h"

#include <dwarf.h>

namespace stranded::detector {
namespace {

constexpr int kDeepest = 64;  // damaged debug information must not end the stack

// The child of `die` that is code at `pc`; blocks are passed through.
bool InlinedChild(Dwarf_Die* die, Dwarf_Addr pc, int depth, Dwarf_Die* found) {
  Dwarf_Die child;
  if (depth > kDeepest || dwarf_child(die, &child) != 0) return false;
  do {
    const int tag = dwarf_tag(&child);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block) continue;
    if (dwarf_haspc(&child, pc) != 1) continue;
    if (tag == DW_TAG_inlined_subroutine) {
      *found = child;
      return true;
    }
    if (InlinedChild(&child, pc, depth + 1, found)) return true;
  } while (dwarf_siblingof(&child, &child) == 0);
  return false;
}

}  // namespace

void Inlining::Collect(Dwarf_Die* parent, int depth, std::vector<Function>& out) {
  Dwarf_Die child;
  if (depth > kDeepest || dwarf_child(parent, &child) != 0) return;
  do {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_subprogram) {
      Dwarf_Addr base = 0, low = 0, high = 0;
      std::ptrdiff_t at = 0;
      while ((at = dwarf_ranges(&child, at, &base, &low, &high)) > 0)
        out.push_back({low, high, child});
    }
    const bool holds_functions = tag == DW_TAG_subprogram || tag == DW_TAG_namespace ||
                                 tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
                                 tag == DW_TAG_lexical_block;
    if (holds_functions) Collect(&child, depth + 1, out);
  } while (dwarf_siblingof(&child, &child) == 0);
}

const std::vector<Inlining::Function>& Inlining::FunctionsOf(Dwarf_Die* unit) {
  const auto [it, fresh] = units_.try_emplace(dwarf_dieoffset(unit));
  if (fresh) Collect(unit, 0, it->second);
  return it->second;
}

std::vector<Dwarf_Die> Inlining::ChainAt(Dwarf_Die* unit, Dwarf_Addr pc) {
  const Function* inner = nullptr;
  for (const Function& f : FunctionsOf(unit)) {
    if (pc < f.low || pc >= f.high) continue;
    if (inner == nullptr || f.high - f.low < inner->high - inner->low) inner = &f;
  }
  if (inner == nullptr) return {};
  std::vector<Dwarf_Die> chain = {inner->die};
  Dwarf_Die next;
  while (chain.size() < kDeepest && InlinedChild(&chain.back(), pc, 0, &next))
    chain.push_back(next);
  return chain;
}

}  // namespace stranded::detector
