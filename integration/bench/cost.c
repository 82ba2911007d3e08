// cost [--busy] FILE LABEL COMMAND...   runs COMMAND, appends "LABEL<tab>COST" to FILE, exits with COMMAND's status
// cost --calibrate                      proves that a nanosecond is an instruction here, by loops of known length
//
// COST is nanoseconds of CLOCK_MONOTONIC from before the start of COMMAND to its end: time on a machine, retired
// instructions of the whole system under QEMU's icount with shift=0. With --busy without what the processor slept
// meanwhile: whoever waits for a grace period of the kernel sleeps for ticks of four million, and retires nothing.
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

// What all processors slept since boot, by the kernel's own account.
static long slept(void)
{
	FILE *timers = fopen("/proc/timer_list", "r");
	char line[256];
	long all = 0, one;
	int found = 0;
	if (!timers) {
		perror("/proc/timer_list");
		exit(125);
	}
	while (fgets(line, sizeof line, timers))
		if (sscanf(line, " .idle_sleeptime : %ld nsecs", &one) == 1) {
			all += one;
			found = 1;
		}
	fclose(timers);
	if (!found) {
		fprintf(stderr, "cost: /proc/timer_list tells no idle time\n");
		exit(125);
	}
	return all;
}

// Each turn is the body and the two instructions that close the loop.
#define LOOP(body) ({ \
	long turns = 10000000, start = now(); \
	__asm__ volatile("1:\n" body "dec %0\njnz 1b" : "+r"(turns)); \
	(double)(now() - start) / 1e7; })

static int calibrate(void)
{
	double two = LOOP(""), ten = LOOP("nop\nnop\nnop\nnop\nnop\nnop\nnop\nnop\n");
	printf("a loop of 2 instructions reads %.2f, one of 10 reads %.2f\n", two, ten);
	return two < 1.98 || two > 2.05 || ten < 9.9 || ten > 10.25;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--calibrate"))
		return calibrate();
	int busy = argc > 1 && !strcmp(argv[1], "--busy");
	argv += busy;
	if (argc - busy < 4) {
		fprintf(stderr, "usage: cost [--busy] FILE LABEL COMMAND... | cost --calibrate\n");
		return 125;
	}
	pid_t child;
	int status;
	long asleep = busy ? slept() : 0, start = now();
	int error = posix_spawnp(&child, argv[3], NULL, NULL, argv + 3, environ);
	if (error) {
		fprintf(stderr, "cost: %s: %s\n", argv[3], strerror(error));
		return 125;
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 125;
	long cost = now() - start;
	if (busy)
		cost -= slept() - asleep;
	FILE *file = fopen(argv[1], "a");
	if (!file || fprintf(file, "%s\t%ld\n", argv[2], cost) < 0 || fclose(file)) {
		perror(argv[1]);
		return 125;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
