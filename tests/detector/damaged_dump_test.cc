// What is missing from a damaged dump may be who comes yet: no finding comes of it.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "stranded/analysis.h"
#include "stranded/dump_reader.h"

namespace stranded::detector {
namespace {

// Of a program that has ended while a sender waits for a receiver that sleeps first.
std::string Slow() {
  const std::string path = testing::TempDir() + "/damaged.strd";
  const std::string command =
      "STRANDED_OPTIONS=grace_ms=100:dump=" + path + " " STRANDED_TEST_PROGRAMS "/slow_receiver";
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::ifstream in(path, std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  std::remove(path.c_str());
  return bytes.str();
}

// The rules that it would set off, as text.
std::string RulesOf(const std::string& bytes) {
  const auto dump = ReadDump(bytes, "damaged");
  if (!dump.ok()) return "";
  std::string rules;
  for (const stranded::Finding& f : Analyze(*dump).findings) rules += std::string(f.rule()) + " ";
  return rules;
}

TEST(DamagedDump, OneThatIsCutSaysNothingOfThoseWhoMayComeYet) {
  const std::string whole = Slow();
  ASSERT_GT(whole.size(), 500u);
  ASSERT_EQ(RulesOf(whole), "");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    ASSERT_EQ(RulesOf(whole.substr(0, size)), "") << size << " of " << whole.size();
  }
}

TEST(DamagedDump, NorDoesOneWithABadPacket) {
  const std::string whole = Slow();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    ASSERT_EQ(RulesOf(bad), "") << at << " of " << whole.size();
  }
}

}  // namespace
}  // namespace stranded::detector
