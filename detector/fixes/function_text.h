// The function that a place in a source file stands in, as far as its brackets tell.
//
// Overview: no parser. Comments, strings and directives are blanked, brackets matched, and what
// stands before a '{' says what it opens. What is not certain is nothing: an edit is then left to
// its reader. Cost: linear in the file.
#ifndef STRANDED_DETECTOR_FIXES_FUNCTION_TEXT_H_
#define STRANDED_DETECTOR_FIXES_FUNCTION_TEXT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stranded::detector {

// Places are offsets in the text.
struct FunctionText {
  std::size_t open = 0, close = 0;  // its braces
  bool plain_return = false;        // `return;` is known to compile in it
  // Of one with a name: that, without what it belongs to, and how many parameters it has.
  std::string name;
  std::size_t parameters = 0;
  // A lambda that is itself an argument of a call: of what, "Go", and from which line to which the
  // call begins. Else empty.
  std::string handed_to;
  std::size_t handed_from = 0, handed_till = 0;
};

// A call as it stands in the source: `jobs::Run(a, b)`.
struct CallText {
  std::string qualifier;  // "jobs::", or "this->"
  std::string name;
  std::size_t arguments = 0;
};

class SourceCode {
 public:
  explicit SourceCode(const std::vector<std::string>& lines);

  // The call of this method in the line, if there is exactly one.
  std::optional<std::size_t> CallOf(std::string_view method, std::size_t line) const;
  // The innermost function around a place.
  std::optional<FunctionText> FunctionAt(std::size_t place) const;
  // What the lambda does that is handed to the only call of `starter` in the line, if that is a
  // call of one function and nothing else; or that function, if it is handed over by its name.
  std::optional<CallText> OnlyCallHandedTo(std::string_view starter, std::size_t line) const;
  // The function calls one of its own name.
  bool CallsItself(const FunctionText& function) const;
  // A statement can begin there, and does not belong to an expression before it.
  bool BeginsStatement(std::size_t place) const;
  // The first word behind that line is `else`.
  bool ElseFollows(std::size_t line) const;
  // The line behind `place`, still in the function, that closes a channel, counts down or unlocks:
  // a return before it would leave that out. 0: none.
  std::size_t CleanupBehind(std::size_t place, const FunctionText& function) const;
  std::size_t BeginOf(std::size_t line) const { return begins_[line - 1]; }

 private:
  struct Header;  // what stands before a '{'

  void Blank(const std::string& raw);
  void MatchBrackets();
  std::size_t LineOf(std::size_t place) const;
  std::size_t Before(std::size_t place) const;          // the last place that is not blank
  std::size_t Behind(std::size_t place) const;          // the next one
  std::size_t OpenAround(std::size_t place) const;      // the innermost open bracket
  std::string WordEndingAt(std::size_t place) const;    // empty: none
  std::size_t SkipSpecifiers(std::size_t place) const;  // back over `mutable`, `noexcept(...)`
  std::optional<Header> HeaderOf(std::size_t brace) const;
  std::size_t ArgumentsIn(std::size_t open) const;
  bool IsVoid(std::size_t name) const;
  std::optional<CallText> OnlyCallIn(std::size_t open) const;
  void AddCall(std::size_t introducer, FunctionText& function) const;
  bool ReturnsValue(const FunctionText& function) const;

  std::string text_;
  std::vector<std::size_t> begins_;        // of each line
  std::vector<std::size_t> partners_;      // of each bracket
  std::vector<std::size_t> conditionals_;  // #if and the like
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_FUNCTION_TEXT_H_
