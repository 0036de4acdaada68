// Links the runtime and never uses it.
int main() { return 0; }
