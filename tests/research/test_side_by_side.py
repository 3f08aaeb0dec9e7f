"""Jobs side by side: every answer comes, and a process that dies is said instead of waited for."""

import os
import signal

import pytest

from tests.tools.side_by_side import JobDied, side_by_side


def test_every_job_answers_and_what_it_changes_ends_with_it() -> None:
    found = dict(side_by_side(lambda job: (job, os.environ.setdefault("SIDE_BY_SIDE", str(job))), range(5), 2))
    assert found == {job: str(job) for job in range(5)}
    assert "SIDE_BY_SIDE" not in os.environ


def test_a_process_that_is_killed_is_said() -> None:
    def play(job: int) -> int:
        if job:
            os.kill(os.getpid(), signal.SIGKILL)
        return job

    with pytest.raises(JobDied, match="1: its process ended with -9"):
        list(side_by_side(play, (0, 1), 1))
