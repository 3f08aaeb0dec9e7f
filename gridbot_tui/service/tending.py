"""Helper tasks beside the trading: each is owned, and told of at once where it ends by an error."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial


@contextlib.asynccontextmanager
async def tending(
    jobs: Mapping[str, Awaitable[None]], failed: Callable[[str, BaseException], None]
) -> AsyncIterator[None]:
    """Run helper tasks for as long as the block lasts; ``failed`` hears at once of one that ends by an error."""

    def ended(name: str, task: "asyncio.Future[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            failed(name, error)

    tasks = [asyncio.ensure_future(job) for job in jobs.values()]
    for name, task in zip(jobs, tasks, strict=True):
        task.add_done_callback(partial(ended, name))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
