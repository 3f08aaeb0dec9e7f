"""Time that passes quickly, or at once: the exchange keeps answering, and plays what lies between."""

import pytest

from gridbot_tui.exchange.server.build import build
from gridbot_tui.exchange.server.clock import TOO_LONG_US, Clock
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.settings import ServeOptions
from gridbot_tui.units import DAY, HOUR, MINUTE, Market

NOON = 1_795_262_400_000


def opened(wall: list[int], speed: float = 1.0) -> Place:
    return build((Market.FUTURES,), ServeOptions(speed=speed), symbols=("BTCUSDT",), history=HOUR,
                 clock=Clock(speed, wall=lambda: wall[0]))  # fmt: skip


def traded(place: Place) -> int:
    return place.tape("futures", "BTCUSDT").next_trade_id


def test_a_day_that_is_leapt_over_is_played_with_as_few_points_as_its_bars_need() -> None:
    wall = [NOON * 1_000]
    place = opened(wall)
    wall[0] += 2 * MINUTE * 1_000
    place.advance()
    before = traded(place)
    place.clock.jump(DAY)
    place.advance()
    assert traded(place) - before < 5 * 1_440 + 240
    wall[0] += MINUTE * 1_000
    before = traded(place)
    place.advance()
    assert traded(place) - before > 200, "from there on it is as fine as before"


@pytest.mark.parametrize(("speed", "most"), [(10, 1_500), (100, 400), (10_000, 400)])
def test_a_market_that_is_told_to_go_faster_has_as_many_points_a_second_as_before(speed: int, most: int) -> None:
    wall = [NOON * 1_000]
    place = opened(wall)
    place.advance()
    place.run_at(speed)
    before = traded(place)
    for _ in range(100):
        wall[0] += HOUR * 1_000 // speed // 100
        place.advance()
    assert 60 < traded(place) - before <= most + 240
    assert place.now() == NOON + HOUR


def test_what_quick_time_asks_more_work_for_than_the_machine_can_do_takes_none_of_it() -> None:
    wall = [NOON * 1_000]
    clock = Clock(1_000, wall=lambda: wall[0])
    with clock.standing():
        wall[0] += 3 * TOO_LONG_US
        assert clock.now() == NOON, "what is told meanwhile is of one moment"
    assert clock.now() == NOON
    wall[0] += 1_000
    assert clock.now() == NOON + 1_000
    with clock.standing():
        wall[0] += TOO_LONG_US // 2
    assert clock.now() == NOON + 1_000 + TOO_LONG_US // 2, "usual work takes the time that it takes"


def test_real_time_goes_on_whatever_the_exchange_does() -> None:
    wall = [NOON * 1_000]
    clock = Clock(wall=lambda: wall[0])
    with clock.standing():
        wall[0] += 1_000_000
        assert clock.now() == NOON + 1_000
    assert clock.now() == NOON + 1_000
