"""Subscriptions in an event loop: nothing blocks, no thread is used."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conftest import World
from lifesign import Engine, Event, EventKind, Status, Subscription, Token

LIMIT = 30


def run(main: Coroutine[Any, Any, object]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(main, LIMIT)

    asyncio.run(limited())


async def statuses(subscription: Subscription, seen: "asyncio.Queue[Status]") -> None:
    async for event in subscription:
        seen.put_nowait(event.status)


def test_events_arrive_and_close_ends_the_loop(world: World) -> None:
    async def main() -> None:
        seen: asyncio.Queue[Status] = asyncio.Queue()
        subscription = world.engine.subscribe(check=world.check)
        consumer = asyncio.create_task(statuses(subscription, seen))
        assert await seen.get() is Status.PASSING
        for status in (Status.CRITICAL, Status.WARNING, Status.PASSING):
            await asyncio.sleep(0)
            world.token.update(status)
            assert await seen.get() is status
        subscription.close()
        await consumer
        assert seen.empty()

    run(main())


def test_close_while_it_waits(world: World) -> None:
    async def main() -> None:
        subscription = world.engine.subscribe(check=world.check)
        while subscription.poll().more:
            pass
        consumer = asyncio.create_task(statuses(subscription, asyncio.Queue()))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not consumer.done()
        subscription.close()
        await consumer

    run(main())


@pytest.mark.parametrize("close", ["subscription", "engine"])
def test_close_from_another_thread_while_it_waits(close: str) -> None:
    async def main() -> None:
        engine = Engine()
        subscription = engine.subscribe()
        consumer = asyncio.create_task(statuses(subscription, asyncio.Queue()))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not consumer.done()
        closer = threading.Thread(target=subscription.close if close == "subscription" else engine.close)
        closer.start()
        await consumer
        closer.join()
        subscription.close()
        engine.close()

    run(main())


def test_close_in_the_middle_of_polls(threads: ThreadPoolExecutor) -> None:
    """Wherever in a poll the close falls, the loop ends: 500 closes right behind a burst of writes."""

    def burst(token: Token, subscription: Subscription) -> None:
        for number in range(20):
            token.update(Status.PASSING, str(number))
        subscription.close()

    async def main() -> None:
        with Engine() as engine, engine.register_check("a").acquire() as token:
            for _ in range(500):
                subscription = engine.subscribe()
                closing = threads.submit(burst, token, subscription)
                await statuses(subscription, asyncio.Queue())
                closing.result()

    run(main())


def test_a_write_in_another_thread_wakes_it(world: World) -> None:
    async def main() -> None:
        seen: asyncio.Queue[Status] = asyncio.Queue()
        with world.engine.subscribe(check=world.check) as subscription:
            consumer = asyncio.create_task(statuses(subscription, seen))
            await seen.get()
            for turn in range(200):
                status = Status.CRITICAL if turn % 2 else Status.WARNING
                await asyncio.to_thread(world.token.update, status)
                assert await seen.get() is status
        await consumer

    run(main())


def test_a_resync_without_events_arrives() -> None:
    async def main() -> None:
        with Engine(max_pending=2) as engine, engine.subscribe() as subscription:
            seen: asyncio.Queue[Event] = asyncio.Queue()

            async def consume() -> None:
                async for event in subscription:
                    seen.put_nowait(event)

            checks = [engine.register_check(f"{number}") for number in range(6)]
            consumer = asyncio.create_task(consume())
            assert {(await seen.get()).id for _ in checks} == {check.id for check in checks}
            for check in checks:
                check.deregister()
            assert await seen.get() == Event(EventKind.RESYNC)
            engine.register_check("new")
            assert (await seen.get()).id == "new"
            subscription.close()
            await consumer
            assert seen.empty()

    run(main())


def test_waiting_uses_no_thread(engine: Engine) -> None:
    async def main() -> None:
        before = threading.active_count()
        subscriptions = [engine.subscribe() for _ in range(100)]
        seen: asyncio.Queue[Status] = asyncio.Queue()
        consumers = [asyncio.create_task(statuses(subscription, seen)) for subscription in subscriptions]
        await asyncio.sleep(0)
        assert threading.active_count() == before
        engine.register_check("a")
        for _ in subscriptions:
            assert await seen.get() is Status.CRITICAL
        for subscription in subscriptions:
            subscription.close()
        await asyncio.gather(*consumers)

    run(main())


def test_cancelled_consumers_leave_nothing_behind(world: World) -> None:
    async def main() -> None:
        with world.engine.subscribe(check=world.check) as subscription:
            seen: asyncio.Queue[Status] = asyncio.Queue()
            for turn in range(20):
                consumer = asyncio.create_task(statuses(subscription, seen))
                if not turn:
                    await seen.get()
                await asyncio.sleep(0)
                consumer.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await consumer
            world.token.update(Status.CRITICAL)
            async for event in subscription:
                assert event.status is Status.CRITICAL
                break

    run(main())
