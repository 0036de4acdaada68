// Rows of the comparison on this runtime: stranded_peer -list, stranded_peer -workers 2 ping_pong.
// STRANDED_OPTIONS=record=off|state|trace chooses what is recorded.
#include <stranded/task.h>

#include "bench/peers/measure.h"

int main(int argc, char** argv) {
  return peers::Main(argc, argv, [](int workers, peers::Row row) {
    auto& pool = *new stranded::Pool(stranded::PoolOptions{.workers = workers, .name = "bench"});
    pool.Go(row).Join();
  });
}
