/* What the generated abuse calls: live handles of every kind beside dead ones, and the assertions about a refusal. */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifesign.h"

enum kind { ENGINE, SERVICE, CHECK, TOKEN, SUBSCRIPTION, CLAIM, KINDS };

/* Where names are claimed; run.sh makes it. */
#define CLAIMS "target/ffi-tests/c/claims"

struct world {
    uint64_t live[KINDS];     /* of one engine; the token holds the check, the check is the service's; the claim has a rival */
    uint64_t stale[KINDS];    /* closed, and another was made in their place */
    uint64_t closed[KINDS];   /* closed last */
    uint64_t orphaned[KINDS]; /* of an engine that was closed over them */
    uint64_t foreign[KINDS];  /* of another live engine */
    lifesign_service empty_service;
    lifesign_check free_check;   /* nobody holds it */
    lifesign_token fenced_token; /* the live token took over from it */
    uint64_t generation;         /* the live token's */
    lifesign_cursor cursor;      /* where the live subscription stands */
    uint32_t declared;           /* record of a declared writer */
    lifesign_stats stats;        /* as they stood when the world was made */
    lifesign_snapshot state;     /* of the live check, likewise */
};

struct world *world_open(void);
void world_close(struct world *world);

/* Numbers that are no live handle of this kind; dead ones of the same kind only if `dead`: some calls accept them. */
enum { BAD_HANDLES = 96 };
size_t bad_handles(const struct world *world, enum kind kind, bool dead, uint64_t bad[BAD_HANDLES]);

/* A text of a mebibyte; one that is not UTF-8; a place from which nobody may read more than a few bytes. */
extern char mebibyte[1 << 20];
extern const char not_utf8[4];
extern const char tiny[4];

/* An export of some engine, in a folder of the program's own that is removed at its end; that folder, which is no
   place for a file. */
const char *export_path(void);
const char *export_folder(void);

void pattern(void *memory, size_t size);

/* Each names the function and what is wrong with the call, and ends the program if the assertion does not hold. */
void succeeded(const char *function, const char *what, lifesign_result result, const lifesign_error *error);
void survived(const char *function, const char *what, lifesign_result result);
void refused(const char *function, const char *what, lifesign_result result, const lifesign_error *error);
void untouched(const char *function, const char *what, const char *parameter, const void *now, const void *before,
               size_t size);
void unchanged(const char *function, const char *what, const struct world *world);
/* Of a batch that was refused as `result`: write `wrong` was refused so and no other, and only it was left without a
   revision. */
#define NO_REVISION UINT64_MAX
void only_one_refused(const char *function, const char *what, lifesign_result result, const lifesign_write *writes,
                      size_t count, size_t wrong);

/* Of several answers, the status of the first of which is given: number `gone` is of what is gone, and no other. */
void only_one_gone(const char *function, const char *what, const lifesign_status *first, size_t stride, size_t count,
                   size_t gone);

extern unsigned long refusals;

#endif
