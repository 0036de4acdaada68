// Which compilation unit an address belongs to.
//
// Overview: clang leaves out the table of addresses (.debug_aranges) that libdw looks into, so
// where that finds nothing the ranges of all units of the module are listed, once. Thread safety:
// one thread. Ownership: the units are their module's.
#ifndef STRANDED_DETECTOR_REPORT_COMPILE_UNITS_H_
#define STRANDED_DETECTOR_REPORT_COMPILE_UNITS_H_

#include <elfutils/libdwfl.h>

#include <map>
#include <vector>

namespace stranded::detector {

class CompileUnits {
 public:
  // Null if there is none. `*bias`: what to take off an address for the unit's own space.
  Dwarf_Die* At(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr* bias);

 private:
  struct Range {
    Dwarf_Addr low = 0, high = 0;
    Dwarf_Die* unit = nullptr;
    Dwarf_Addr bias = 0;
  };
  const std::vector<Range>& RangesOf(Dwfl_Module* module);

  std::map<Dwfl_Module*, std::vector<Range>> modules_;  // by address
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_COMPILE_UNITS_H_
