// What runs in the containers that are measured: nothing (`true`), or nothing for ever (`still wait`).
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argv;
	while (argc > 1)
		pause();
	return 0;
}
