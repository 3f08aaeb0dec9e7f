"""Writes docs/CONFIG.md and config.example.toml from the model: `python -m tests.tools.make_config_docs`."""

from pathlib import Path

from gridbot_tui.settings import example, reference

ROOT = Path(__file__).resolve().parent.parent.parent


def texts() -> dict[Path, str]:
    """What each generated file ought to hold."""
    return {ROOT / "docs" / "CONFIG.md": reference.render(), ROOT / "config.example.toml": example.render()}


def main() -> None:
    """Write them."""
    for path, text in texts().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
