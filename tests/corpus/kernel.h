// One real bug, as a leaking program and its fixed twin.
//
// Overview: each file in kernels/ holds one bug: namespace `leaky` with the bug as it was,
// namespace `fixed` with the repair that was made. Both have a Run(). Comments at the end of a line
// of the leaky half say what the detector must find there:
//   // blocks: chan_send        a task stays blocked here (kinds as in corpus.tsv)
//   // fix: raise_buffer 1      the line that the best proposal must name, and its kind
// Run() may be called any number of times in one process: what the original kept in package
// variables is made anew at its start. Bodies run in a controlled world; they neither print nor
// check anything.
#ifndef STRANDED_TESTS_CORPUS_KERNEL_H_
#define STRANDED_TESTS_CORPUS_KERNEL_H_

#include <vector>

namespace stranded::corpus {

struct Kernel {
  const char* name;
  void (*leaky)();
  void (*fixed)();  // null: the description gives no fix
};

std::vector<Kernel>& Kernels();

// A file's last line: `const Registered kRegistered("etcd5509", &leaky::Run, &fixed::Run);`
struct Registered {
  Registered(const char* name, void (*leaky)(), void (*fixed)()) {
    Kernels().push_back({name, leaky, fixed});
  }
};

}  // namespace stranded::corpus

#endif  // STRANDED_TESTS_CORPUS_KERNEL_H_
