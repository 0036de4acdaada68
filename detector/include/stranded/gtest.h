// Leak checks for GoogleTest: link stranded::gtest_main, or append the listener yourself.
//
// Overview: each TEST runs in a controlled world of its own (seeded scheduling, virtual time), or,
// with STRANDED_OPTIONS=schedule=threads, on real threads. A test that leaves tasks behind fails,
// with the report, in the console and in the XML. Failing tests are checked, too. Thread safety:
// called by GoogleTest on the main thread.
#ifndef STRANDED_DETECTOR_GTEST_H_
#define STRANDED_DETECTOR_GTEST_H_

#include <gtest/gtest.h>

#include <memory>
#include <source_location>
#include <string>

#include "stranded/leak_check.h"

namespace stranded {

// For the test that is running:
// it must leave findings of this rule (`times` of them, or any number when 0), and no others;
void ExpectLeak(const std::string& rule, std::size_t times = 0,
                std::source_location loc = std::source_location::current());
// it must come to a dead end, which is then no failure: the test may catch the GlobalDeadlockError,
// or leave by it;
void ExpectDeadEnd();
// tasks whose wait or spawn site has this in file:line or function are of no interest.
void IgnoreLeaks(const std::string& site_or_function,
                 std::source_location loc = std::source_location::current());

class LeakCheckListener : public testing::EmptyTestEventListener {
 public:
  LeakCheckListener();
  ~LeakCheckListener() override;
  // The test's name, which is also said in the report.
  void OnTestStart(const testing::TestInfo& test) override;
  void OnTestEnd(const testing::TestInfo& test) override;
  void OnTestIterationEnd(const testing::UnitTest& tests, int iteration) override;

 private:
  void BeginExplored(const testing::TestInfo& test);
  void EndExplored(const testing::TestInfo& test);
  void CheckTest(const testing::TestInfo& test);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stranded

#endif  // STRANDED_DETECTOR_GTEST_H_
