"""The command line's commands, one file each. They parse, ask and print; the work is done elsewhere."""
