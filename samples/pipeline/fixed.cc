// A pipeline of three stages connected by channels.
//
// Each stage closes the channel it sends on when its input is done, so the end runs through.
#include <stranded/channel.h>
#include <stranded/leak_check.h>
#include <stranded/sync.h>
#include <stranded/task.h>

#include <cstdio>

using namespace stranded;  // NOLINT

namespace {

Receiver<int> Generate(int count) {
  Chan<int> numbers;
  Go({.name = "generate"}, Background(), [numbers, count] {
    for (int i = 1; i <= count; ++i) numbers.Send(i);
    numbers.Close();
  });
  return numbers;
}

Receiver<int> Square(Receiver<int> numbers) {
  Chan<int> squares;
  Go({.name = "square"}, Background(), [numbers, squares] {
    for (const int n : numbers) squares.Send(n * n);
    squares.Close();
  });
  return squares;
}

void PrintSum(Receiver<int> squares, Sender<int> result) {
  Go({.name = "sum"}, Background(), [squares, result] {
    int sum = 0;
    for (const int s : squares) sum += s;
    std::printf("sum of squares: %d\n", sum);
    result.TrySend(sum);
  });
}

}  // namespace

int main() {
  return CheckedMain([] {
    Chan<int> result(1);
    PrintSum(Square(Generate(4)), result);
  });
}
