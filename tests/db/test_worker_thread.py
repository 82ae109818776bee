"""The thread that runs functions for the event loop."""

import asyncio
import threading
import time

import pytest

from db.engine.sqlite.worker_thread import WorkerThread


@pytest.fixture
def worker() -> WorkerThread:
    return WorkerThread("worker")


async def test_functions_run_one_after_the_other_in_one_thread(worker: WorkerThread) -> None:
    done: list[int] = []

    def step(number: int) -> str:
        time.sleep(0.01 * (3 - number))
        done.append(number)
        return threading.current_thread().name

    names = await asyncio.gather(*(worker.run(lambda number=number: step(number)) for number in range(3)))  # type: ignore[misc]
    assert (done, names) == ([0, 1, 2], ["worker"] * 3)


async def test_an_error_is_raised_to_the_awaiting_task_and_the_thread_continues(worker: WorkerThread) -> None:
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    assert await worker.run(lambda: 2) == 2


async def test_the_event_loop_continues_while_a_function_runs(worker: WorkerThread) -> None:
    end = threading.Event()
    outcomes = [worker.run(end.wait), worker.run(lambda: True)]
    await asyncio.sleep(0.01)
    assert not any(outcome.done() for outcome in outcomes)
    end.set()
    assert await asyncio.gather(*outcomes) == [True, True]


async def test_a_call_cancelled_before_its_start_never_runs(worker: WorkerThread) -> None:
    end, ran = threading.Event(), threading.Event()
    under_way = worker.run(end.wait)
    cancelled = worker.run(ran.set)
    cancelled.cancel()
    under_way.cancel()
    end.set()
    await worker.run(lambda: None)
    assert not ran.is_set()


async def test_the_thread_ends_once_it_is_stopped(worker: WorkerThread) -> None:
    waiting = worker.run(threading.current_thread)
    worker.stop()
    thread = await waiting
    thread.join(1)
    assert not thread.is_alive()


def test_a_function_may_outlive_the_loop_that_submitted_it(worker: WorkerThread) -> None:
    end = threading.Event()

    async def begin() -> None:
        worker.run(end.wait)

    asyncio.run(begin())
    end.set()
    assert asyncio.run(_name(worker)) == "worker"


async def _name(worker: WorkerThread) -> str:
    return await worker.run(lambda: threading.current_thread().name)
