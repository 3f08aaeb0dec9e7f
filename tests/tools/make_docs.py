"""Writes every generated document: `make docs`."""

from tests.tools import make_config_docs, make_exchange_docs, make_metrics_docs


def main() -> None:
    """Write them all."""
    make_config_docs.main()
    make_exchange_docs.main()
    make_metrics_docs.main()


if __name__ == "__main__":
    main()
