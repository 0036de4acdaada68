// The events that the page's timelines draw.
#ifndef STRANDED_DETECTOR_REPORT_HTML_EVENTS_H_
#define STRANDED_DETECTOR_REPORT_HTML_EVENTS_H_

#include <vector>

#include "detector/model/snapshot.h"
#include "detector/report/html_tables.h"
#include "stranded/finding.h"

namespace stranded::detector {

// Rows of time before the snapshot (ns), kind, task, object, site, argument; oldest first. Only of
// the findings' first tasks, of those who spawned them and of the last peers of their channels, and
// what ended their contexts and closed their channels.
Json PageEvents(const Snapshot& snap, const std::vector<FindingData>& findings, PageTables& tables);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_HTML_EVENTS_H_
