// Ends while a sender waits for a receiver that sleeps first.
#include "stranded/stranded.h"

int main() {
  const stranded::Chan<int> answers, begun(2);
  stranded::Go({.name = "receiver"}, [answers, begun] {
    begun.Send(1);
    stranded::this_task::SleepFor(absl::Minutes(5));
    answers.Recv();
  });
  stranded::Go({.name = "sender"}, [answers, begun] {
    begun.Send(1);
    answers.Send(1);
  });
  begun.Recv();
  begun.Recv();
}
