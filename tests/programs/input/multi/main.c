#include <stdio.h>
int sum(int to);
int main(void) { return printf("%d\n", sum(100)) != 5; }
