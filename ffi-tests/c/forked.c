/* What a forked child is told of its ancestors' handles: FORKED, before it has opened an engine of its own and after. What nobody has given out
   is FORGED there as anywhere. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lifesign.h"

/* One of each kind of handle. */
struct handles {
    lifesign_engine engine;
    lifesign_service service;
    lifesign_check check;
    lifesign_token token;
    lifesign_subscription subscription;
};

static void expect(const char *what, lifesign_result result, lifesign_result wanted)
{
    if (result == wanted)
        return;
    fprintf(stderr, "forked: %s: %s instead of %s\n", what, lifesign_result_name(result), lifesign_result_name(wanted));
    _exit(EXIT_FAILURE);
}

static struct handles open_all(void)
{
    struct handles all;
    lifesign_service_spec service = { .struct_size = sizeof service, .id = lifesign_text("web") };
    lifesign_check_spec check = { .struct_size = sizeof check, .id = lifesign_text("web:http") };
    lifesign_filter filter = { .struct_size = sizeof filter };
    expect("open", lifesign_engine_open(NULL, &all.engine, NULL), LIFESIGN_OK);
    expect("service", lifesign_service_register(all.engine, &service, &all.service, NULL), LIFESIGN_OK);
    check.service = all.service;
    expect("check", lifesign_check_register(all.engine, &check, &all.check, NULL), LIFESIGN_OK);
    expect("acquire", lifesign_token_acquire(all.check, NULL, &all.token, NULL), LIFESIGN_OK);
    expect("subscribe", lifesign_subscribe(all.engine, &filter, &all.subscription, NULL), LIFESIGN_OK);
    return all;
}

/* Every kind of handle is answered the same. */
static void all_answer(const struct handles *all, uint64_t changed, lifesign_result wanted)
{
    lifesign_status status;
    uint64_t generation;
    int32_t descriptor;
    expect("node", lifesign_engine_node_status(all->engine ^ changed, &status, NULL), wanted);
    expect("service", lifesign_service_status(all->service ^ changed, &status, NULL), wanted);
    expect("check", lifesign_check_status(all->check ^ changed, &status, NULL), wanted);
    expect("generation", lifesign_token_generation(all->token ^ changed, &generation, NULL), wanted);
    expect("descriptor", lifesign_subscription_descriptor(all->subscription ^ changed, &descriptor, NULL), wanted);
}

/* Runs the rest in a child, which is told what its ancestors have opened. */
static void descend(const struct handles *parents, int count, int generations)
{
    int told;
    const pid_t child = fork();
    if (child != 0) {
        if (child < 0 || waitpid(child, &told, 0) != child || !WIFEXITED(told) || WEXITSTATUS(told) != 0)
            expect("a child", LIFESIGN_INTERNAL, LIFESIGN_OK);
        return;
    }
    struct handles all[8];
    for (int i = 0; i < count; i++) {
        all[i] = parents[i];
        all_answer(&all[i], 0, LIFESIGN_FORKED);
    }
    all[count] = open_all();
    for (int i = 0; i < count; i++)
        all_answer(&all[i], 0, LIFESIGN_FORKED);
    all_answer(&all[count], 0, LIFESIGN_OK);
    all_answer(&all[count], UINT64_C(1) << 45, LIFESIGN_FORGED);
    if (generations > 1)
        descend(all, count + 1, generations - 1);
    expect("close", lifesign_engine_close(all[count].engine, NULL), LIFESIGN_OK);
    _exit(EXIT_SUCCESS);
}

int main(void)
{
    const struct handles all = open_all();
    descend(&all, 1, 3);
    all_answer(&all, 0, LIFESIGN_OK);
    expect("close", lifesign_engine_close(all.engine, NULL), LIFESIGN_OK);
    puts("three generations of children, each told what is its ancestors'");
    return EXIT_SUCCESS;
}
