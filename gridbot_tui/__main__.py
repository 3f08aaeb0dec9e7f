"""Let `python -m gridbot_tui` be the same as the `gridbot` command."""

if __name__ == "__main__":
    # Imported here and not above: importing this module for its own sake costs and does nothing.
    from gridbot_tui.cli import main

    main()
