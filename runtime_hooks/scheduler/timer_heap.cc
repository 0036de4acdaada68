#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

void TimerHeap::MoveTo(std::vector<TimerEntry*>& larger) {
  larger.assign(heap_.begin(), heap_.end());
  heap_.swap(larger);
}

void TimerHeap::Push(TimerEntry* t) {
  t->seq = next_seq_++;
  if (!t->vain) ++moves_;
  heap_.push_back(t);
  t->heap_index = heap_.size() - 1;
  Up(t->heap_index);
}

void TimerHeap::Remove(TimerEntry* t) {
  const std::size_t i = t->heap_index;
  TimerEntry* last = heap_.back();
  heap_.pop_back();
  if (last == t) return;
  Place(i, last);
  Up(i);
  Down(last->heap_index);
}

void TimerHeap::Up(std::size_t i) {
  TimerEntry* t = heap_[i];
  while (i > 0 && Before(t, heap_[(i - 1) / 2])) {
    Place(i, heap_[(i - 1) / 2]);
    i = (i - 1) / 2;
  }
  Place(i, t);
}

void TimerHeap::Down(std::size_t i) {
  TimerEntry* t = heap_[i];
  for (;;) {
    std::size_t child = 2 * i + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && Before(heap_[child + 1], heap_[child])) ++child;
    if (!Before(heap_[child], t)) break;
    Place(i, heap_[child]);
    i = child;
  }
  Place(i, t);
}

}  // namespace stranded::internal
