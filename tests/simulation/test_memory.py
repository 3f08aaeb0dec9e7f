"""How the campaign weighs a bot: everything it holds, and what of it nothing keeps from growing."""

from collections import deque

from gridbot_tui.research.simulation.memory import Sample, size_of, slope


def test_what_has_a_bound_is_left_out_only_where_that_is_asked() -> None:
    window, heap = deque([bytes(1000)], maxlen=9), [bytes(3000)]
    whole, loose = size_of([{"a": window, "b": heap}]), size_of([{"a": window, "b": heap}], bounded=False)
    assert whole - loose == size_of([window]) > 1000
    assert loose > 3000
    assert size_of([deque([bytes(1000)])], bounded=False) > 1000


def test_a_slope_is_of_the_size_that_was_asked_for_and_of_the_hours_after() -> None:
    samples = [Sample(float(hour), 100 * hour, 7 if hour > 4 else hour, {}, {}) for hour in range(9)]
    assert slope(samples) == 100
    assert slope(samples, 5, lambda one: one.open) == 0
    assert slope(samples[:1]) is None
