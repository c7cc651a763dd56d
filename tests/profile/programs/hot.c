/* Functions that compute for known times: hot three times as long as warm, whichever way they are reached. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALONE __attribute__((noipa))

static volatile unsigned sink;

ALONE void spin(unsigned n)
{
	unsigned x = 1;
	for (unsigned i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223 + (x >> 16);
		if (x == 12345) sink++;
	}
	sink = x;
}

ALONE void hot(unsigned n)
{
	spin(3 * n);
	sink++;
}

ALONE void warm(unsigned n)
{
	spin(n);
	sink++;
}

ALONE void work(void)
{
	for (int i = 0; i < 100; i++) {
		hot(1000);
		warm(1000);
	}
}

static void handler(int signal)
{
	(void)signal;
	hot(10000);
	sink++;
}

static int compare(const void *a, const void *b)
{
	warm(10);
	return *(const int *)a - *(const int *)b;
}

static void *thread(void *argument)
{
	work();
	return argument;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (!strcmp(what, "fork")) {
		if (fork() == 0) {
			warm(30000);
			_exit(0);
		}
		wait(0);
		hot(10000);
	} else if (!strcmp(what, "signal")) {
		signal(SIGUSR1, handler);
		raise(SIGUSR1);
	} else if (!strcmp(what, "sort")) {
		static int values[5000];
		for (int i = 0; i < 5000; i++) values[i] = rand();
		qsort(values, 5000, sizeof *values, compare);
	} else if (!strcmp(what, "thread")) {
		pthread_t id;
		pthread_create(&id, 0, thread, 0);
		pthread_join(id, 0);
	} else if (!strcmp(what, "calls")) {
		for (int i = 0; i < 5000; i++) getppid();
	} else
		work();
	return 0;
}
