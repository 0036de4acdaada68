// Leaves one task behind; STRANDED_OPTIONS=dump=FILE makes the runtime say so at exit.
#include <stranded/channel.h>
#include <stranded/task.h>

int main() {
  const stranded::Chan<int> nobody_listens;
  stranded::SpawnOptions options;
  options.name = "left behind";
  stranded::Go(options, stranded::Background(), [nobody_listens] { nobody_listens.Send(1); });
}
