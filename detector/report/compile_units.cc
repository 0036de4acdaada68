#include "detector/report/compile_units.h"

#include <algorithm>
#include <cstddef>

namespace stranded::detector {

const std::vector<CompileUnits::Range>& CompileUnits::RangesOf(Dwfl_Module* module) {
  const auto [it, fresh] = modules_.try_emplace(module);
  std::vector<Range>& ranges = it->second;
  if (!fresh) return ranges;
  Dwarf_Die* unit = nullptr;
  Dwarf_Addr bias = 0;
  while ((unit = dwfl_module_nextcu(module, unit, &bias)) != nullptr) {
    Dwarf_Addr base = 0, low = 0, high = 0;
    std::ptrdiff_t at = 0;
    while ((at = dwarf_ranges(unit, at, &base, &low, &high)) > 0) {
      ranges.push_back({low + bias, high + bias, unit, bias});
    }
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.low < b.low; });
  return ranges;
}

Dwarf_Die* CompileUnits::At(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr* bias) {
  if (Dwarf_Die* unit = dwfl_module_addrdie(module, address, bias)) return unit;
  const std::vector<Range>& ranges = RangesOf(module);
  auto after = std::upper_bound(ranges.begin(), ranges.end(), address,
                                [](Dwarf_Addr at, const Range& r) { return at < r.low; });
  if (after == ranges.begin()) return nullptr;
  const Range& range = *std::prev(after);
  if (address >= range.high) return nullptr;
  *bias = range.bias;
  return range.unit;
}

}  // namespace stranded::detector
