"""Only what differs is painted."""

import gc
import io
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from textual._compositor import LayoutUpdate
from textual.geometry import Region

from gridbot_tui.ui.driver import PATIENCE_S, ROUND_S, WHERE, Writer
from gridbot_tui.ui.pane import RowPane, differing
from gridbot_tui.ui.panes import chart
from gridbot_tui.ui.panes.header import Header
from gridbot_tui.ui.screens.dashboard import DashboardPage
from tests.ui import fixtures
from tests.ui.running import an_app, press, screen_text, settled, shown


class Asked:
    """Counts what panes ask to be painted."""

    def __init__(self) -> None:
        self.regions: list[tuple[str, Region]] = []
        self.whole: list[str] = []

    def instead_of(self, pane: RowPane) -> Callable[..., RowPane]:
        original = pane.refresh

        def refresh(*regions: Region, **options: bool) -> RowPane:
            if regions:
                self.regions += [(pane.css_identifier, one) for one in regions]
            else:
                self.whole.append(pane.css_identifier)
            return original(*regions, **options)

        return refresh


def watch(panes: list[RowPane], asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    for pane in panes:
        monkeypatch.setattr(pane, "refresh", asked.instead_of(pane))


async def test_the_same_picture_twice_paints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        asked = Asked()
        watch(list(app.screen.query(RowPane)), asked, monkeypatch)
        app.picture.receive(fixtures.normal())
        await settled(pilot)
        assert asked.regions == []
        assert asked.whole == []


async def test_one_number_paints_one_stretch_of_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        asked = Asked()
        watch(list(app.screen.query(RowPane)), asked, monkeypatch)
        app.picture.receive(replace(fixtures.normal(), equity="10214.99"))
        await settled(pilot)
        assert asked.whole == []
        header = [region for name, region in asked.regions if name.startswith("Header")]
        assert len(header) == 1
        assert header[0].width < 30
        assert header[0].height == 1


async def test_panes_that_cannot_be_seen_build_nothing() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (80, 24)):
        fills = app.screen.query_one("#fills", RowPane)
        assert fills.plain() == []


def test_the_differing_stretch_is_as_short_as_the_spans_allow() -> None:
    old = (("ab", "text"), ("12", "dim"), ("xyz", "text"))
    new = (("ab", "text"), ("34", "dim"), ("xyz", "text"))
    assert differing(old, new, 7) == (2, 4)
    assert differing(old, (("ab", "text"),), 7) == (2, 7)
    assert differing((), new, 7) == (0, 7)


async def test_the_header_has_the_most_important_numbers_at_80_columns() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (80, 24)):
        line = app.screen.query_one(Header).plain()[0]
        for word in ("SIM", "BTCUSDT", "RUNNING", "10 214.31 USDT", "T0 −0.8 %", "age"):
            assert word in line


async def test_the_header_counts_no_deposit_as_a_gain() -> None:
    app = an_app(replace(fixtures.normal(), equity="15214.31", growth=0.0214))
    async with shown(app, (120, 40)):
        assert "15 214.31 USDT  ▲ +2.14 %" in app.screen.query_one(Header).plain()[0]


async def test_the_way_back_to_the_dashboard_paints_the_screen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "w")
        painted: list[object] = []
        monkeypatch.setattr(app, "_display", lambda screen, update: painted.append(update))
        await press(pilot, "escape")
        assert isinstance(app.screen, DashboardPage)
        assert len([one for one in painted if isinstance(one, LayoutUpdate)]) == 1


async def test_a_page_that_was_closed_is_let_go() -> None:
    def panes() -> int:
        gc.collect()
        return sum(isinstance(one, RowPane) for one in gc.get_objects())

    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        before = panes()
        for key in ("w", "x", "o", "L"):
            await pilot.press(key, "escape")
        await settled(pilot)
        assert panes() == before


async def test_while_the_past_is_lived_through_the_chart_waits_for_the_first_fill() -> None:
    picture = fixtures.normal()
    app = an_app(replace(picture, past_until=picture.at + 1, pnl=replace(picture.pnl, fills=0)))
    async with shown(app) as pilot:
        pane = app.screen.query_one(chart.ChartPane)
        assert "drawn after the first fill" in "".join(pane.plain())
        app.picture.receive(replace(picture, past_until=picture.at + 1))
        await settled(pilot)
        assert "┤" in "".join(pane.plain())


async def test_a_chart_whose_drawing_was_lost_with_a_closed_dialog_is_drawn_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(chart, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        pane = app.screen.query_one(chart.ChartPane)
        before = pane.plain()
        view = fixtures.normal().symbols["BTCUSDT"]
        app.picture.receive(replace(fixtures.normal(), symbols={"BTCUSDT": replace(view, bars=view.bars[-9:])}))
        with monkeypatch.context() as lost:
            lost.setattr(pane, "call_after_refresh", lambda *_: True)
            clock[0] += chart.REDRAW_S
            app.flush()
        clock[0] += chart.REDRAW_S
        await settled(pilot)
        assert pane.plain()[3:] != before[3:]


async def test_a_slow_line_gets_fewer_pictures_and_none_that_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        monkeypatch.setattr(app._driver, "behind", True, raising=False)
        app.picture.receive(replace(fixtures.normal(), equity="11111.11"))
        await settled(pilot)
        assert "11 111.11" not in screen_text(app), "what was painted before has not left yet"
        app.picture.receive(replace(fixtures.normal(), equity="12222.22"))
        monkeypatch.setattr(app._driver, "behind", False)
        await settled(pilot)
        assert "12 222.22" in screen_text(app)


def test_a_line_is_behind_while_two_whole_frames_wait_for_it() -> None:
    file = io.StringIO()
    writer = Writer(file)  # that nobody has started takes nothing, as one that waits for its terminal
    for part in ("begin", "frame", "end", "begin", "frame"):
        writer.write(part)
    assert not writer.behind
    writer.write("end")
    assert writer.behind
    writer.start()
    writer.stop()
    assert not writer.behind
    assert file.getvalue() == 2 * "beginframeend"


class FarTerminal(io.StringIO):
    """A terminal at the end of a line that takes everything: what it was asked, and a clock of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.asked = threading.Semaphore(0)
        self.writer = Writer(self, asks=True, now=lambda: self.now)

    def write(self, text: str) -> int:
        """Take it; it is not shown yet."""
        if text == WHERE:
            self.asked.release()
        return super().write(text)

    def frame(self) -> None:
        """Paint one, up to the question behind it."""
        self.writer.write("frame")
        assert self.asked.acquire(timeout=60.0)


@pytest.fixture
def far() -> Iterator[FarTerminal]:
    terminal = FarTerminal()
    terminal.writer.start()
    terminal.frame()
    terminal.writer.answered()
    yield terminal
    terminal.writer.stop()


def test_a_line_is_behind_until_the_terminal_has_read_what_was_written(far: FarTerminal) -> None:
    far.frame()
    assert not far.writer.behind, "the answer is under way"
    far.now += 2 * ROUND_S
    assert far.writer.behind
    far.frame()  # a key was answered meanwhile
    far.writer.answered()
    assert not far.writer.behind
    far.now += 2 * ROUND_S
    assert far.writer.behind, "the answer to the key has not arrived yet"
    far.writer.answered()
    assert not far.writer.behind


def test_an_answer_that_was_lost_holds_nothing_up_for_ever(far: FarTerminal) -> None:
    far.frame()
    far.now += PATIENCE_S + 1.0
    assert not far.writer.behind
    far.frame()
    far.now += 2 * ROUND_S
    assert far.writer.behind


def test_a_terminal_that_answers_nothing_is_believed_to_keep_up() -> None:
    terminal = FarTerminal()
    terminal.writer.start()
    terminal.frame()
    terminal.now += 2 * ROUND_S
    assert not terminal.writer.behind
    terminal.writer.ask_no_more(60.0)
    terminal.writer.stop()


def test_leaving_waits_for_the_answer_under_way_and_asks_no_more(far: FarTerminal) -> None:
    far.frame()
    late = threading.Thread(target=far.writer.answered)
    late.start()
    far.writer.ask_no_more(60.0)
    late.join()
    assert not far.writer.behind
    far.writer.write("end")
    far.writer.stop()
    assert far.getvalue().endswith(WHERE + "end")
