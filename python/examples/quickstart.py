"""A service, its check and an alias on it; a writer that is taken over, and what happens when it writes late."""

from lifesign import Engine, FencedError, Status

with Engine(name="quickstart") as engine:
    web = engine.register_service("web", data=b"10.0.0.7:8080")
    http = engine.register_check("web:http", service=web)
    sidecar = engine.register_alias("sidecar", "web")

    with engine.subscribe(check=sidecar) as changes, http.acquire("probe 1") as old:
        old.update(Status.PASSING, "200 OK")
        print(next(iter(changes)).status, sidecar.status)
        with http.take_over(old.generation, "probe 2") as new:
            new.update(Status.CRITICAL, "connection refused")
            try:
                old.update(Status.PASSING, "a late answer")
            except FencedError as refused:
                print("refused by", refused.holder)
        print(sidecar.snapshot().output)
