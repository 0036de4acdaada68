// Which functions are inlined at a program counter.
//
// Overview: libdw's dwarf_getscopes does not find functions that are described inside others, as
// lambdas are. So the functions of a compilation unit are listed once, with their ranges.
// Thread safety: one thread.
#ifndef STRANDED_DETECTOR_REPORT_INLINING_H_
#define STRANDED_DETECTOR_REPORT_INLINING_H_

#include <elfutils/libdw.h>

#include <map>
#include <vector>

namespace stranded::detector {

class Inlining {
 public:
  // The function at `pc` (an address of the unit's own space) and what is inlined in it there,
  // outermost first. Empty if there is none.
  std::vector<Dwarf_Die> ChainAt(Dwarf_Die* unit, Dwarf_Addr pc);

 private:
  struct Function {
    Dwarf_Addr low = 0, high = 0;
    Dwarf_Die die{};
  };
  const std::vector<Function>& FunctionsOf(Dwarf_Die* unit);
  static void Collect(Dwarf_Die* parent, int depth, std::vector<Function>& out);

  std::map<Dwarf_Off, std::vector<Function>> units_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_INLINING_H_
