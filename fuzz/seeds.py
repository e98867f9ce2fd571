"""Writes the seeds of the target ``calls``: sequences that mean something, from which the fuzzer sets out.

Usage: seeds.py [--check]

With --check nothing is written, and it is an error if the seeds in corpus/calls are not those written here. A line is a call: the thread ("-"
for alone, else 1 to 3 beside the others), the function, what is odd about it ("null:N", "size:N", "no-error" or "wrong-error") if anything
is, and the bytes by which its parameters are chosen, in the order of the header; what is not said is 0, which is right.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE / "corpus" / "calls"
PIECE = 16
LANES = {"-": 0, "1": 162, "2": 160, "3": 161}
ODD = {"null": 200, "size": 214, "no-error": 228, "wrong-error": 232}

# A service "web" with a check "b" in it that is held, and an alias "c" of it.
STAGE = """
- service_register 0 4
- check_register 0 0 0 0 1
- check_register 0 1 0 255 2 0 0 4
- token_acquire 1 0 0 3
"""
SEEDS = {
    "report": STAGE
    + """
- token_write 0 0 10
- token_write 0 2 11
- check_snapshot 0
- check_snapshot 0 3
- check_snapshot 0 1
- service_snapshot 0 0 0
- service_snapshot 0 3 0
- service_snapshot 0 1 1
- engine_node 0 0 0
- token_write_batch 0 0 2 0 10 0 0 1 1 0 11
- engine_audit 0
- engine_stats 0
""",
    "alias": """
- check_register 0 1 0 255 1 0 0 4
- check_register 0 2 0 255 2
- service_register 0 4
- check_register 0 0 0 0 3
- token_acquire 0 1
- token_write 0 2 11
- check_status 1
- check_statuses 0 0 1 2
- check_snapshots 0 0 1 2 0
- check_register 0 1 0 0 5 0 0 4
- engine_node_status 0
- service_status 0
- service_deregister 0
""",
    "fence": STAGE
    + """
- check_who 1
- token_take_over 1 0 0 0 2
- token_write 1 1 10
- token_renew 1
- token_generation 0
- token_record 1
- token_join 0 1 0 12
- token_close 1
- token_join 0 1
- token_deregister_check 0
- token_write 0
- token_close 0
- token_close 0
""",
    "lease": STAGE
    + """
- token_close 0
- token_acquire 1 0 2 2
- token_write 0
- engine_tick 0 0 3
- engine_tick 0 0 3
- token_write 0 1
- check_history 1
- check_history 1 3
- check_history 1 1
- check_writers 1
- check_writers 1 3
- token_acquire 1
- engine_tick 0 0 4
- engine_tick 0 201 205
""",
    "subscribe": STAGE
    + """
- subscribe 0 1
- subscribe 0 0 1 0 1 0 9
- subscribe 0 0 3 2 0 1 0 4
- subscribe 0 0 4
- subscription_descriptor 3
- subscription_wait 3
- subscription_poll 3 0 0
- subscription_poll 3 0 0
- token_write 0 2 10
- subscription_poll 3 5 3
- subscription_poll 3 5 1
- subscription_poll 2 0 0
- subscription_wait 3 12
- check_deregister_force 1 3
- token_write 0 1
- engine_tick 0
- subscription_poll 0
- subscription_poll 1
- subscribe 0 0 0 0 0 0 0 0 1
- subscribe 0 0 0 0 0 0 0 0 1 64
- subscribe 0 0 0 0 0 0 0 0 1 128
- subscribe 0 0 0 0 0 0 0 0 1 160
- token_subscribe 0 1
- unsubscribe 0
- unsubscribe 0
""",
    "restore": STAGE
    + """
- check_register 0 0 0 255 6 0 0 16 1 2 9 10
- token_write 0 1 11
- engine_export 0
- engine_export 0 10
- export_read 0 0 0
- export_read 0 3
- export_read 0 1 1
- export_read 10
- export_read 8
""",
    "claims": """
- claim_open 0 0
- claim_open 0 0
- engine_tick 0
- claim_state 0
- claim_rivals 0
- claim_rivals 0 3
- claim_open 0 8 1
- engine_tick 0
- claim_release 1
- claim_release 1
- claim_open 0 0 26
- claim_open 0 12
- claim_open 0 0 34
- claim_open 0 0 38
- claim_release 0
""",
    "records": """
- engine_declare_writer 0
- engine_record 0 1
- engine_record 0 2
- engine_record 0 9
- check_register 0 0 0 255
- token_acquire 0 0 0 0 2 3
- check_who 0
- engine_id 0
- abi_version 0
- version 30
- result_name 9
- status_name 2
""",
    "readers": STAGE
    + """
- check_reader 0
- check_reader 1
- service_reader 0
- engine_node_reader 0
- engine_services 0
- engine_services 0 3
- engine_checks 0 3
- engine_checks 0 1
- engine_checks 0 2
- service_find 0 4
- service_find 0 9
- check_find 0 1
- service_redefine 0 4 5 6
- check_redefine 1 0 0 0 1 5 6
- check_redefine 1 0 0 0 2
- check_deregister 1
- check_deregister 0
- service_deregister 0
""",
    "two-engines": STAGE
    + """
- engine_open 0
- service_register 0 0
- check_register 0 0 0 1 1
- token_join 0 0
- token_join 40 0
- token_write 1
- engine_open 1
- engine_open 0 1 1 1 1 1 1 1 1 1
- check_register 0 0 0 255 1
- check_register 0 0 0 255 2
- service_register 0 0
- service_register 0 1
- engine_close 0
- engine_close 0
- check_status 0
- check_snapshot 0
""",
    "wrong": STAGE
    + """
- engine_open wrong-error
- token_write no-error 0 0 18
- token_write 40 0 10
- token_write 57 0 10
- token_write 0 0 52
- check_snapshot null:0 0
- check_snapshot null:1 0
- check_snapshot size:0 0
- check_register size:0 0 0 0 0 6
- check_register null:0 0
- service_register 0 20
- service_register 0 21
- service_register 0 41
- service_register 0 0 41 46
- subscribe size:0 0 0
- engine_stats size:0 0
- engine_declare_writer size:0 0
- subscription_poll null:2 0
- token_write_batch size:1 0
- claim_open null:0 0
""",
    "close-races": STAGE
    + """
- subscribe 0 1
1 token_write 0 1 11
2 engine_close 0
3 check_snapshot 1
1 token_write 0 0 10
2 check_register 0 0 0 255 6
3 subscription_poll 0
1 token_close 0
3 service_snapshot 0
1 engine_audit 0
- engine_open 0
- check_register 0 0 0 255 6
""",
    "join-beside-close": STAGE
    + """
- check_register 0 0 0 0 6
- token_acquire 0
1 token_join 0 1 0 14
2 engine_close 0
""",
    "closers-race": STAGE
    + """
- subscribe 0 1
- claim_open 0 0
1 unsubscribe 0
2 unsubscribe 0
3 unsubscribe 0
- claim_state 0
1 claim_release 0
2 claim_release 0
3 claim_release 0
- token_generation 0
1 token_close 0
2 token_close 0
3 token_close 0
- engine_audit 0
1 engine_close 0
2 engine_close 0
3 engine_close 0
- engine_stats 0
""",
    "writers-race": STAGE
    + """
- token_acquire 1
- check_register 0 0 0 0 6
- token_acquire 0
- subscribe 0 1
1 token_write 1 1 11
2 token_write 0 2 10
3 subscription_poll 0
1 token_write 1 0 10
2 check_deregister_force 1
3 service_snapshot 0
1 token_close 1
2 token_close 1
3 token_close 1
1 check_snapshot 1
2 check_register 0 0 0 0 1
3 engine_audit 0
- engine_audit 0
- subscription_poll 0
""",
    "waits-race": STAGE
    + """
- subscribe 0 1
- subscription_poll 0
1 subscription_wait 0 14
2 token_write 0 2 11
3 subscription_descriptor 0
2 unsubscribe 0
1 token_join 0 1 0 14
2 token_close 0
3 engine_close 0
""",
    "registration-race": STAGE
    + """
1 check_register 0 0 0 0 6
2 check_register 0 0 0 0 6
3 check_register 0 1 0 255 7 0 0 4
1 check_deregister 0
2 check_deregister 0
3 service_deregister 0
1 service_register 0 3
2 service_redefine 0 4 5
3 service_find 0 3
1 claim_open 0 0
2 claim_open 0 0
3 claim_open 0 0
1 claim_release 0
2 claim_release 0
3 engine_tick 0
""",
}


def beside_a_close(function: str) -> str:
    """Return a sequence in which two threads call a function while a third closes the engine."""
    calls = f"1 {function}\n3 {function}\n" * 3
    return f"{STAGE}- subscribe 0 1\n- claim_open 0 0\n{calls}2 engine_close\n"


def lines(text: str) -> list[str]:
    """Return the lines that say something."""
    return [line for line in text.splitlines() if line]


def piece(line: str, functions: list[str]) -> bytes:
    """Return what one line stands for."""
    lane, function, *rest = line.split()
    odd = 0
    if rest and not rest[0].isdigit():
        word, _, number = rest.pop(0).partition(":")
        odd = ODD[word] + int(number or 0)
    made = bytes([functions.index(function), LANES[lane], odd, *map(int, rest)])
    if len(made) > PIECE:
        raise SystemExit(f"more than {PIECE} bytes: {line}")
    return made.ljust(PIECE, b"\0")


def main() -> None:
    """Write or compare the seeds."""
    functions = (HERE / "functions.txt").read_text().split()
    texts = SEEDS | {f"close-beside-{name}": beside_a_close(name) for name in functions}
    made = {name: b"".join(piece(line, functions) for line in lines(text)) for name, text in texts.items()}
    if unused := set(functions) - {line.split()[1] for text in SEEDS.values() for line in lines(text)}:
        raise SystemExit(f"no seed calls {', '.join(sorted(unused))}")
    if "--check" in sys.argv:
        if made != {path.name: path.read_bytes() for path in OUT.iterdir()}:
            raise SystemExit("corpus/calls is not what seeds.py writes: run it and commit the result")
        return
    OUT.mkdir(parents=True, exist_ok=True)
    for path in OUT.iterdir():
        path.unlink()
    for name, content in made.items():
        (OUT / name).write_bytes(content)


if __name__ == "__main__":
    main()
