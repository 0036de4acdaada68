// A task recurses until its stack is full.
#include <stranded/stranded.h>

volatile bool go_on = true;

int Deeper(int n) {  // NOLINT(misc-no-recursion): that is the point
  volatile char room[1024];
  room[0] = static_cast<char>(n);
  return go_on ? Deeper(n + 1) + room[0] : 0;
}

int main() {
  stranded::Go({.name = "deep"}, stranded::Background(), [] {
    return Deeper(0) > 0 ? void() : void();
  }).Join();
}
