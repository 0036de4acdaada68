// Tasks and places in the texts of the runtime itself.
#include "runtime_hooks/scheduler/task_text.h"

#include <gtest/gtest.h>

#include <exception>
#include <source_location>
#include <stdexcept>
#include <string>

#include "stranded/context.h"
#include "stranded/task.h"

namespace stranded {
namespace {

TEST(TaskText, ControlCharactersAreShown) {
  EXPECT_EQ(internal::PlainText("a\x1b[31mb\n\t\x7f\xc2\x9b!"), "a\\x1b[31mb\\n\\t\\x7f\\x9b!");
  EXPECT_EQ(internal::PlainText("\xc3\xbc \xe2\x80\xa6"), "\xc3\xbc \xe2\x80\xa6");
  std::string name;
  Go({.name = "\x1b]0;x\a"}, Background(), [&name] {
    name = internal::QuotedName(internal::CurrentTask());
  }).Join();
  EXPECT_EQ(name, " \"\\x1b]0;x\\x07\"");
}

// The program links the detector. Last in this file: what stands below is elsewhere.
#line 7 "/elsewhere/project/a.cc"
TEST(TaskText, PlacesAreThoseOfReports) {
  EXPECT_EQ(internal::PlaceText(std::source_location::current()), "a.cc:8");
  std::string text;
  Go({.name = "thrower"}, Background(), [&text] {
    text = internal::DescribeException(internal::CurrentTask(),
                                       std::make_exception_ptr(std::runtime_error("late")));
  }).Join();
  EXPECT_EQ(text, "an exception left task \"thrower\" spawned at a.cc:10: late");
}

}  // namespace
}  // namespace stranded
