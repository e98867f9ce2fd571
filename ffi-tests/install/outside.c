/* What a program outside the tree does with an installed Lifesign; C11 and C++17. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <lifesign.h>

static int fail(const char *what, lifesign_result result) {
    fprintf(stderr, "%s: %s\n", what, lifesign_result_name(result));
    return 1;
}

int main(void) {
    lifesign_config config;
    lifesign_check_spec spec;
    lifesign_reader reader;
    lifesign_engine engine;
    lifesign_check check;
    lifesign_result result;

    if (lifesign_abi_version() != LIFESIGN_ABI_VERSION) {
        return fail("the library is not the header's", LIFESIGN_OK);
    }
    memset(&config, 0, sizeof config);
    config.struct_size = sizeof config;
    if ((result = lifesign_engine_open(&config, &engine, NULL)) != LIFESIGN_OK) {
        return fail("open", result);
    }
    memset(&spec, 0, sizeof spec);
    spec.struct_size = sizeof spec;
    spec.id.ptr = "web:http";
    spec.id.len = strlen("web:http");
    spec.initial = LIFESIGN_STATUS_PASSING;
    if ((result = lifesign_check_register(engine, &spec, &check, NULL)) != LIFESIGN_OK) {
        return fail("register", result);
    }
    memset(&reader, 0, sizeof reader);
    reader.struct_size = sizeof reader;
    if ((result = lifesign_check_reader(check, &reader, NULL)) != LIFESIGN_OK) {
        return fail("reader", result);
    }
    printf("Lifesign %s, ABI %" PRIu32 ": %" PRIu32 "\n", lifesign_version(), lifesign_abi_version(),
           (uint32_t)lifesign_read(&reader));
    return lifesign_engine_close(engine, NULL) == LIFESIGN_OK ? 0 : 1;
}
