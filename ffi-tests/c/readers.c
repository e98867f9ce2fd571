/* Reading without a call, in C and in C++: what a reader shows is the status of its own life, in every thread, while
   checks are deregistered and their cells used again, while the engine closes, and in a forked child. */

/* MAP_ANONYMOUS; a C++ compiler has it anyway. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lifesign.h"

enum { THREADS = 2, ROUNDS = 512, LIVES = 2 + 2 * ROUNDS };

/* One life of a check, or what shows it, and the only status that may ever be read there. */
struct life {
    lifesign_reader reader;
    lifesign_status status;
};

static struct life lives[LIVES];
static size_t born;
/* How often each thread has read them all, and how many lives it has seen end that it had seen before. */
static size_t passes[THREADS], ends[THREADS];
static int closed;

static void fail(const char *what)
{
    fprintf(stderr, "readers: %s\n", what);
    _exit(EXIT_FAILURE);
}

static void ok(const char *step, lifesign_result result)
{
    if (result != LIFESIGN_OK)
        fail(step);
}

static lifesign_check add(lifesign_engine engine, lifesign_service service, const char *id, lifesign_status initial)
{
    lifesign_check check;
    lifesign_check_spec spec;
    memset(&spec, 0, sizeof spec);
    spec.struct_size = sizeof spec;
    spec.service = service;
    spec.id = lifesign_text(id);
    spec.initial = initial;
    ok(id, lifesign_check_register(engine, &spec, &check, NULL));
    return check;
}

/* An alias of what is not there, which is critical. */
static lifesign_check add_alias(lifesign_engine engine)
{
    lifesign_check check;
    lifesign_check_spec spec;
    memset(&spec, 0, sizeof spec);
    spec.struct_size = sizeof spec;
    spec.kind = LIFESIGN_KIND_ALIAS_SERVICE;
    spec.id = lifesign_text("alias");
    spec.target = lifesign_text("nobody");
    ok("alias", lifesign_check_register(engine, &spec, &check, NULL));
    return check;
}

static lifesign_reader reader_of(lifesign_check check)
{
    lifesign_reader reader;
    reader.struct_size = sizeof reader;
    ok("reader", lifesign_check_reader(check, &reader, NULL));
    return reader;
}

static void birth(lifesign_reader reader, lifesign_status status)
{
    lives[born].reader = reader;
    lives[born].status = status;
    __atomic_store_n(&born, born + 1, __ATOMIC_RELEASE);
}

static void *read_all(void *thread)
{
    static char seen[THREADS][LIVES], over[THREADS][LIVES];
    const size_t own = (size_t)(uintptr_t)thread;
    for (;;) {
        const int last = __atomic_load_n(&closed, __ATOMIC_ACQUIRE);
        const size_t count = __atomic_load_n(&born, __ATOMIC_ACQUIRE);
        for (size_t i = 0; i < count; i++) {
            const lifesign_status status = lifesign_read(&lives[i].reader);
            if (status == LIFESIGN_STATUS_GONE) {
                ends[own] += seen[own][i] && !over[own][i];
                over[own][i] = 1;
            } else if (status != lives[i].status) {
                fail("the status of another life was read");
            } else if (over[own][i]) {
                fail("a life came back");
            } else if (last) {
                fail("a life outlasted its engine");
            } else {
                seen[own][i] = 1;
            }
        }
        if (last)
            return NULL;
        __atomic_fetch_add(&passes[own], 1, __ATOMIC_RELEASE);
        sched_yield();
    }
}

/* Waits until every thread has read all that is born by now. */
static void let_them_read(void)
{
    for (size_t i = 0; i < THREADS; i++)
        for (size_t before = __atomic_load_n(&passes[i], __ATOMIC_ACQUIRE);
             __atomic_load_n(&passes[i], __ATOMIC_ACQUIRE) < before + 2;)
            sched_yield();
}

/* A service that is always warning and a node that is always passing, to be read beside what comes and goes. */
static lifesign_service stay(lifesign_engine engine)
{
    lifesign_service service;
    lifesign_service_spec spec;
    lifesign_reader reader;
    memset(&spec, 0, sizeof spec);
    spec.struct_size = sizeof spec;
    spec.id = lifesign_text("web");
    ok("service", lifesign_service_register(engine, &spec, &service, NULL));
    add(engine, service, "always", LIFESIGN_STATUS_WARNING);
    reader.struct_size = sizeof reader;
    ok("service reader", lifesign_service_reader(service, &reader, NULL));
    birth(reader, LIFESIGN_STATUS_WARNING);
    ok("node reader", lifesign_engine_node_reader(engine, &reader, NULL));
    birth(reader, LIFESIGN_STATUS_PASSING);
    return service;
}

/* Lives of a check and of an alias follow one another, each in the cell that was the other's, and end while every thread
   reads them; then the engine closes under the readers. */
static void lives_end(void)
{
    pthread_t threads[THREADS];
    lifesign_engine engine;
    ok("open", lifesign_engine_open(NULL, &engine, NULL));
    const lifesign_service service = stay(engine);
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, read_all, (void *)(uintptr_t)i) != 0)
            fail("no thread");
    for (int round = 0; round < ROUNDS; round++) {
        const lifesign_status initial = (lifesign_status)(1 + round % 2);
        const lifesign_check alias = add_alias(engine);
        birth(reader_of(alias), LIFESIGN_STATUS_CRITICAL);
        const lifesign_check check = add(engine, service, "comes and goes", initial);
        birth(reader_of(check), initial);
        let_them_read();
        ok("deregister", lifesign_check_deregister(check, NULL));
        ok("deregister", lifesign_check_deregister(alias, NULL));
    }
    ok("close", lifesign_engine_close(engine, NULL));
    __atomic_store_n(&closed, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        if (ends[i] != LIVES)
            fail("a thread missed the end of a life");
    }
}

static void a_child_reads_gone(void)
{
    lifesign_engine engine;
    lifesign_reader readers[3];
    ok("open", lifesign_engine_open(NULL, &engine, NULL));
    readers[0] = reader_of(add(engine, 0, "disk", LIFESIGN_STATUS_PASSING));
    readers[1] = reader_of(add_alias(engine));
    readers[2].struct_size = sizeof readers[2];
    ok("node reader", lifesign_engine_node_reader(engine, &readers[2], NULL));
    const pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < 3; i++)
            if (lifesign_read(&readers[i]) != LIFESIGN_STATUS_GONE)
                fail("the child reads a status of its parent's");
        /* The cells of an engine of the child's own are not those of the parent's. */
        ok("open in the child", lifesign_engine_open(NULL, &engine, NULL));
        add(engine, 0, "disk", LIFESIGN_STATUS_CRITICAL);
        for (size_t i = 0; i < 3; i++)
            if (lifesign_read(&readers[i]) != LIFESIGN_STATUS_GONE)
                fail("the child's engine is read at a place of the parent's");
        _exit(EXIT_SUCCESS);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fail("the child failed");
    if (lifesign_read(&readers[0]) != LIFESIGN_STATUS_PASSING ||
        lifesign_read(&readers[1]) != LIFESIGN_STATUS_CRITICAL ||
        lifesign_read(&readers[2]) != LIFESIGN_STATUS_PASSING)
        fail("the parent reads something else after the fork");
    ok("close", lifesign_engine_close(engine, NULL));
    for (size_t i = 0; i < 3; i++)
        if (lifesign_read(&readers[i]) != LIFESIGN_STATUS_GONE)
            fail("a status outlasted its engine");
}

/* A word and a link of this program's own. The word stands on a page that nobody may read at first: whoever comes there
   is in the middle of a read, and before he goes on the life is over and the word shows something else. */
static uint64_t *shown;
static uint64_t link_of_life;
static size_t page;

static void end_life(int signal)
{
    (void)signal;
    __atomic_store_n(&link_of_life, 0, __ATOMIC_RELEASE);
    if (mprotect(shown, page, PROT_READ | PROT_WRITE) != 0)
        _exit(EXIT_FAILURE);
    *shown = (uint64_t)LIFESIGN_STATUS_CRITICAL << LIFESIGN_WORD_STATUS_SHIFT;
}

static void a_life_ends_in_a_read(void)
{
    struct sigaction action;
    lifesign_reader reader;
    page = (size_t)sysconf(_SC_PAGESIZE);
    shown = (uint64_t *)mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(&action, 0, sizeof action);
    action.sa_handler = end_life;
    if (shown == MAP_FAILED || sigaction(SIGSEGV, &action, NULL) != 0)
        fail("no page");
    link_of_life = UINT64_C(7) << LIFESIGN_WORD_LIFE_SHIFT | (uintptr_t)shown;
    memset(&reader, 0, sizeof reader);
    reader.struct_size = sizeof reader;
    reader.word = shown;
    reader.link = &link_of_life;
    reader.life = link_of_life;
    if (lifesign_read(&reader) != LIFESIGN_STATUS_GONE || *shown == 0)
        fail("what was shown after a life was read in it");
    signal(SIGSEGV, SIG_DFL);
}

int main(int argc, char **argv)
{
    a_child_reads_gone();
    lives_end();
    /* Under valgrind the fault would be met for ever. */
    if (argc < 2 || strcmp(argv[1], "without-fault") != 0)
        a_life_ends_in_a_read();
    puts("statuses end with their lives, in every thread and in a child");
    return EXIT_SUCCESS;
}
