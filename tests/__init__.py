"""The test-suite; its folders mirror the rooms of `gridbot_tui`."""
