// A task throws, and nobody holds a handle that could collect it.
#include <stranded/stranded.h>

#include <stdexcept>

int main() {
  stranded::Go({.name = "thrower"}, stranded::Background(),
               [] { throw std::runtime_error("nobody will know"); });
  stranded::this_task::SleepFor(absl::Seconds(10));
}
