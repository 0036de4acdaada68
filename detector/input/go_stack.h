// The goroutine of a textual dump that is being read, line by line.
//
// Thread safety: one reader, one thread. Ownership: `out` outlives it.
#ifndef STRANDED_DETECTOR_INPUT_GO_STACK_H_
#define STRANDED_DETECTOR_INPUT_GO_STACK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "detector/input/go_lines.h"
#include "detector/input/go_model.h"

namespace stranded::detector {

struct GoStack {
  explicit GoStack(GoDumps& dumps) : out(dumps) {}

  void BeginStack(const GoHeader& h);
  void Reset();
  // False if the stack is over and the line is not of it.
  bool StackLine(std::string_view line);
  void AddFrame(std::string_view function, std::string_view file, std::uint32_t line);
  // A call without a place: from a runtime that knew none.
  void FlushCall();
  void Unknown(std::string_view line);
  static bool EndsStack(std::string_view line);
  // Of a call that was read, the place is to come; what may be any text does not count.
  bool AwaitsPlace() const { return have_call && !call_is_bare; }

  GoDumps& out;
  GoGroup now;
  GoHeader header;
  std::uint64_t creator_id = 0, lock = 0;
  std::vector<std::uint64_t> mentioned;  // pointers among the arguments
  bool have_call = false;

 private:
  std::uint32_t Frame(std::string_view function, std::string_view file, std::uint32_t line);
  void Arguments(std::string_view function, std::string_view arguments);
  bool Creator(std::string_view line);
  void Ancestor(std::string_view rest);
  bool Elision(std::string_view line);
  bool Place(std::string_view line);
  bool ParseCgo(std::string_view line);

  absl::flat_hash_map<std::uint64_t, std::uint32_t> frame_index;
  std::string call;  // line of a call whose place is to come
  bool call_is_creator = false;
  bool call_is_bare = false;  // a C function's name without brackets: its place must follow
  bool creator_read = false;  // the stack is over, but for ancestors
  bool in_ancestor = false, waits_for_lock = false;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_STACK_H_
