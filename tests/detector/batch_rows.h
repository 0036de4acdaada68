// Rows of batches for the dumps of tests, and what a merged reading of them must give.
#ifndef STRANDED_TESTS_DETECTOR_BATCH_ROWS_H_
#define STRANDED_TESTS_DETECTOR_BATCH_ROWS_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/detector/dump_builder.h"

namespace stranded::detector {

// A task that is like `like`, which stands in the dump before it.
struct RowSpec {
  Id like = 0, id = 0, parent = 0, context = 0, group = 0;
  std::int64_t since_ns = kNow - 10 * kSecond;
  std::vector<Id> objects;  // channels and contexts of its cases, and whatever else it waits for
};

// One batch. Nothing if there are no rows.
void AddRows(DumpBuilder& dump, const std::vector<RowSpec>& rows);

// An object that is like `like`, which stands in the dump before it. Of its fields those are
// written in which rows differ.
template <class Object>
struct ObjectSpec {
  Id like = 0;
  Object object;
};
void AddRows(DumpBuilder& dump, const std::vector<ObjectSpec<Channel>>& rows);
void AddRows(DumpBuilder& dump, const std::vector<ObjectSpec<Context>>& rows);
void AddRows(DumpBuilder& dump, const std::vector<ObjectSpec<SpawnNode>>& rows);

std::shared_ptr<const Dump> ReadMerged(const std::string& bytes, const AnalysisOptions& options);
std::shared_ptr<const Dump> ReadEach(const std::string& bytes);
// Fails the test if findings or counts differ between a merged reading and one task by task.
void ExpectTheSame(const std::string& bytes, const AnalysisOptions& options = {});

}  // namespace stranded::detector

#endif  // STRANDED_TESTS_DETECTOR_BATCH_ROWS_H_
