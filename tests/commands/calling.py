"""Calling the command line inside this process, and what it printed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import typer.main

from gridbot_tui import cli

typer.main.get_command = cache(typer.main.get_command)  # a process builds its tree of commands once; here it calls many


@dataclass(frozen=True)
class Called:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Cli = Callable[..., Called]


def caller(capsys: pytest.CaptureFixture[str], *always: str) -> Cli:
    """Calls ``gridbot`` with these options first."""

    def call(*words: str) -> Called:
        capsys.readouterr()
        code = cli.execute([*always, *words])
        printed = capsys.readouterr()
        return Called(code, printed.out, printed.err)

    return call
