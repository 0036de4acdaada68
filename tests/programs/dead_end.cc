// A plain main that comes to a dead end, as do the tasks that it has begun. "catches": it goes on.
#include "stranded/stranded.h"

int main(int argc, char**) {
  const stranded::Chan<int> questions, answers;
  stranded::Go({.name = "asks"}, [questions, answers] {
    answers.Recv();
    questions.Send(1);
  });
  stranded::Go({.name = "answers"}, [questions, answers] {
    questions.Recv();
    answers.Send(1);
  });
  if (argc == 1) questions.Recv();
  try {
    questions.Recv();
  } catch (const stranded::GlobalDeadlockError&) {
  }
}
