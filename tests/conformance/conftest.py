"""Each foreign client meets an exchange of its own making: both markets, standing still, without rate limits."""

from collections.abc import Iterator

import pytest

from tests.exchange_server.serving import Served, serving


@pytest.fixture
def served() -> Iterator[Served]:
    """BTCUSDT at 60,000 and ETHUSDT at 3,000, moved by the test alone."""
    with serving() as exchange:
        yield exchange
